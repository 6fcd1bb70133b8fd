/**
 * What can be done with notifications, and what it makes of one.
 *
 * @typedef {import("./item.js").Item} Item
 * @typedef {import("./item.js").Marks} Marks
 * @typedef {"read" | "unread" | "seen" | "archive" | "unarchive" | "snooze"} Verb
 */

/** Whether there is something to do, and what comes of it. @type {Record<Verb, [(item: Item) => boolean, (item: Item, at: Date, until: Date | null) => Partial<Marks>]>} */
const EFFECTS = {
  read: [(item) => !item.readAt, (item, at) => ({ readAt: at, seenAt: item.seenAt ?? at })],
  unread: [(item) => item.readAt !== null, () => ({ readAt: null })],
  seen: [(item) => !item.seenAt, (_, at) => ({ seenAt: at })],
  archive: [(item) => !item.archivedAt, (_, at) => ({ archivedAt: at })],
  unarchive: [(item) => item.archivedAt !== null, () => ({ archivedAt: null })],
  snooze: [() => true, (_, __, until) => ({ snoozedUntil: until })],
};

/**
 * `item` after it; the same object if there was nothing to do.
 * @param {Verb} verb
 * @param {Item} item
 * @param {Date} at
 * @param {Date | null} until
 */
export function done(verb, item, at, until) {
  const [holds, effect] = EFFECTS[verb];
  return holds(item) ? item.with(effect(item, at, until)) : item;
}

/** Whether a change of everything means this one. @param {Verb} verb @param {Item} item @param {number} now */
export function means(verb, item, now) {
  return verb === "unarchive" ? !item.expired(now) : item.listed(now);
}

/**
 * What was done, by the member of a change that says so.
 * @param {import("../../notifier.d.ts").InboxChange} change
 * @returns {Verb}
 */
export function verbOf(change) {
  if (change.read_at !== undefined) return change.read_at ? "read" : "unread";
  if (change.archived_at !== undefined) return change.archived_at ? "archive" : "unarchive";
  return change.seen_at === undefined ? "snooze" : "seen";
}
