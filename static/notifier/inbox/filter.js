/**
 * What a view is of.
 *
 * @typedef {import("../../notifier-inbox.d.ts").Filter} PublicFilter
 * @typedef {import("./item.js").Item} Item
 * @typedef {import("./verb.js").Verb} Verb
 */
export class Filter {
  /** @param {PublicFilter} [filter] */
  constructor({ status = "all", archived = "exclude", snoozed = "exclude", category = null } = {}) {
    this.status = status;
    this.archived = archived;
    this.snoozed = snoozed;
    this.category = category;
    Object.freeze(this);
  }

  /** As the parameters of a request. */
  get parameters() {
    const { status, archived, snoozed, category } = this;
    return { status, archived, snoozed, ...(category === null ? {} : { category }) };
  }

  /** Whether it shows an item. @param {Item} item @param {number} now */
  fits(item, now) {
    if (item.expired(now)) return false;
    return (this.category === null || item.category === this.category) && this.admits(item, now);
  }

  /** Whether it may show one that stands like this. @param {import("./item.js").Marks} marks @param {number} now */
  admits({ readAt, archivedAt, snoozedUntil }, now) {
    if (this.status !== "all" && (this.status === "read") !== (readAt !== null)) return false;
    const asleep = snoozedUntil !== null && snoozedUntil.getTime() > now;
    return agrees(this.archived, archivedAt !== null) && agrees(this.snoozed, asleep);
  }

  /** Whether it may hold few of the whole log, so that what comes in is seldom just older. */
  get narrow() {
    return this.status !== "all" || this.archived === "only" || this.snoozed === "only";
  }

  /** Whether doing this to everything brings something in. @param {Verb} verb */
  gains(verb) {
    return (
      (verb === this.status) ||
      (verb === "archive" && this.archived === "only") ||
      (verb === "unarchive" && this.archived === "exclude") ||
      (verb === "snooze" && this.snoozed === "only")
    );
  }
}

/** @param {"exclude" | "include" | "only"} word @param {boolean} holds */
function agrees(word, holds) {
  return word === "include" || (word === "only") === holds;
}
