import { marks as standing, moment } from "./item.js";
import { done, means, verbOf } from "./verb.js";

/**
 * @typedef {import("../../notifier.d.ts").InboxChange} InboxChange
 * @typedef {import("./item.js").Item} Item
 * @typedef {import("./mark.js").Mark | import("./mark.js").Undo} AnyMark
 *
 * @typedef {object} Entry
 * @property {Item} base as the server has it
 * @property {Item} item as it is shown, with what was done here
 * @property {number} version of its last change
 * @property {number} asOf the version up to which `base` is known to be right
 * @property {boolean} doubtful whatever a page says is better
 */

const MOST_UNDOABLE = 8;

/**
 * The notifications that are known here. A change is applied to those that do not contain it
 * yet, so that hearing of it twice does no harm.
 */
export class Known {
  #now;
  #on;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** Those that are shown otherwise than the server has them. @type {Set<Entry>} */
  #marked = new Set();
  /** Those that time will change. @type {Set<Entry>} */
  #timed = new Set();
  /** @type {AnyMark[]} */
  #marks = [];
  #doubted = false;
  /** How those were that a change of everything has changed, by its version. @type {Map<number, Map<string, Item>>} */
  #undoable = new Map();

  /**
   * @param {() => number} now
   * @param {{ changed: (item: Item, how: { sure: boolean }) => void, removed: (item: Item) => void }} on
   */
  constructor(now, on) {
    this.#now = now;
    this.#on = on;
  }

  get size() {
    return this.#entries.size;
  }

  get marks() {
    return this.#marks;
  }

  /** @param {string} key */
  get(key) {
    return this.#entries.get(key);
  }

  /**
   * One as it was at a version of the inbox, unless it is known better.
   * @param {Item} item
   * @param {{ version: number, asOf: number, caughtUp: number }} at `caughtUp`: up to where all that is known is right
   */
  put(item, { version, asOf, caughtUp }) {
    const entry = this.#entries.get(item.key);
    if (!entry) {
      const made = { base: item, item, version, asOf, doubtful: false };
      this.#entries.set(item.key, made);
      this.#show(made, false);
      return made;
    }
    const better = !entry.doubtful && Math.max(entry.asOf, caughtUp) > asOf;
    entry.doubtful = false;
    const base = better ? entry.base.with({ ackedAt: item.ackedAt ?? entry.base.ackedAt }) : item;
    this.#set(entry, base, better ? entry.version : version, better ? entry.asOf : asOf);
    return entry;
  }

  /** Something was missed: whatever a page says next is better. */
  doubt() {
    for (const entry of this.#entries.values()) entry.doubtful = true;
  }

  /** It was delivered: that needs no version. @param {Entry} entry @param {Date | null} ackedAt */
  acked(entry, ackedAt) {
    if (!ackedAt || entry.base.ackedAt) return;
    this.#set(entry, entry.base.with({ ackedAt }), entry.version, entry.asOf);
  }

  /** @param {string} key @returns whether it was known */
  remove(key) {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#entries.delete(key);
    this.#marked.delete(entry);
    this.#timed.delete(entry);
    this.#on.removed(entry.item);
    return true;
  }

  /** Forget all others. @param {Set<string>} keys */
  keepOnly(keys) {
    for (const [key, entry] of this.#entries) {
      if (keys.has(key)) continue;
      this.#entries.delete(key);
      this.#marked.delete(entry);
      this.#timed.delete(entry);
    }
  }

  /** @param {InboxChange} change @returns whether all that it names is known */
  apply(change) {
    if (!change.keys) {
      for (const entry of this.#entries.values()) this.applyTo(entry, change);
      return true;
    }
    let known = true;
    for (const key of change.keys) {
      const entry = this.#entries.get(key);
      if (entry) this.applyTo(entry, change);
      else known = false;
    }
    return known;
  }

  /** @param {Entry} entry @param {InboxChange} change */
  applyTo(entry, change) {
    if (change.version <= entry.asOf) return;
    if (change.keys) this.#applyKeys(entry, change, change.keys);
    else if (change.undone !== undefined) this.#applyUndone(entry, change.undone, change.version);
    else this.#applyRange(entry, change);
  }

  /** @param {Entry} entry @param {InboxChange} change @param {string[]} keys */
  #applyKeys(entry, change, keys) {
    if (!keys.includes(entry.base.key)) return;
    entry.doubtful = false;
    if (change.withdrawn_at) this.remove(entry.base.key);
    else this.#set(entry, entry.base.with(standing(change)), change.version, change.version);
  }

  /** @param {Entry} entry @param {InboxChange} change */
  #applyRange(entry, change) {
    const { base } = entry;
    const { version, up_to = 0, category } = change;
    entry.asOf = version;
    if (base.seq > up_to || (category !== undefined && base.category !== category)) return;
    const verb = verbOf(change);
    // What was put off, or had expired, then: not by now, nor by the clock of this device.
    const at = new Date(/** @type {string} */ (change.changed_at));
    if (!means(verb, base, at.getTime())) return;
    const after = done(verb, base, at, moment(change.snoozed_until));
    if (after === base) return;
    this.#undo(version).set(base.key, base);
    this.#set(entry, after, version, version);
  }

  /** @param {Entry} entry @param {number} undone @param {number} version */
  #applyUndone(entry, undone, version) {
    if (entry.version !== undone) return;
    const before = this.#undoable.get(undone)?.get(entry.base.key);
    if (before) this.#set(entry, before.with({ ackedAt: entry.base.ackedAt }), version, version);
    else this.#doubtOne(entry);
  }

  /** @param {Entry} entry */
  #doubtOne(entry) {
    entry.doubtful = true;
    this.#doubted = true;
  }

  /** Whether it was found since the last question that something may not be right. */
  get doubted() {
    const found = this.#doubted;
    this.#doubted = false;
    return found;
  }

  /** @param {number} version */
  #undo(version) {
    let before = this.#undoable.get(version);
    if (before) return before;
    before = new Map();
    this.#undoable.set(version, before);
    for (const oldest of this.#undoable.keys()) {
      if (this.#undoable.size <= MOST_UNDOABLE) break;
      this.#undoable.delete(oldest);
    }
    return before;
  }

  /** @param {AnyMark} mark */
  mark(mark) {
    this.#marks.push(mark);
    for (const entry of this.#entries.values()) {
      const item = mark.apply(entry.item);
      if (item !== entry.item) this.#become(entry, item);
    }
  }

  /** The server has refused it. @param {AnyMark} mark */
  unmark(mark) {
    this.#keepMarks((other) => other !== mark);
  }

  /** All changes up to this version are applied, and need no mark any more. @param {number} version */
  settle(version) {
    this.#keepMarks(({ settledAt }) => settledAt === null || settledAt > version);
  }

  /** @param {(mark: AnyMark) => boolean} wanted */
  #keepMarks(wanted) {
    const kept = this.#marks.filter(wanted);
    if (kept.length === this.#marks.length) return;
    this.#marks = kept;
    for (const entry of [...this.#marked]) this.#show(entry);
  }

  /** By how much the marks change the counts of what is known, behind some place. @param {{ unread: number, unseen: number }} behind */
  difference(behind) {
    const now = this.#now();
    const found = { unread: 0, unseen: 0 };
    for (const { base, item } of this.#marked) {
      const [before, after] = [counted(base, now), counted(item, now)];
      if (item.seq > behind.unread) found.unread += after.unread - before.unread;
      if (item.seq > behind.unseen) found.unseen += after.unseen - before.unseen;
    }
    return found;
  }

  /** The next moment at which time changes something; Infinity for never. */
  get nextMoment() {
    const now = this.#now();
    let next = Infinity;
    for (const { item } of this.#timed) next = Math.min(next, item.nextMoment(now));
    return next;
  }

  /** Let those go that have expired, and tell of those that are back. */
  tick() {
    const now = this.#now();
    for (const entry of [...this.#timed]) {
      if (entry.item.expired(now)) this.remove(entry.item.key);
      else if (!entry.item.asleep(now)) this.#set(entry, entry.base.with({}), entry.version, entry.asOf);
    }
  }

  /** @param {Entry} entry @param {Item} base @param {number} version @param {number} asOf */
  #set(entry, base, version, asOf) {
    entry.base = base;
    entry.version = version;
    entry.asOf = asOf;
    this.#show(entry);
  }

  /** @param {Entry} entry @param {boolean} [tell] */
  #show(entry, tell = true) {
    this.#become(
      entry,
      this.#marks.reduce((item, mark) => mark.apply(item), entry.base),
      tell,
    );
  }

  /** @param {Entry} entry @param {Item} item @param {boolean} [tell] */
  #become(entry, item, tell = true) {
    entry.item = item;
    include(this.#marked, entry, item !== entry.base);
    include(this.#timed, entry, item.nextMoment(this.#now()) < Infinity);
    if (tell) this.#on.changed(item, { sure: !entry.doubtful });
  }
}

/** @param {Set<Entry>} set @param {Entry} entry @param {boolean} wanted */
function include(set, entry, wanted) {
  if (wanted) set.add(entry);
  else set.delete(entry);
}

/** @param {Item} item @param {number} now */
function counted(item, now) {
  const unread = item.readAt === null && item.listed(now) ? 1 : 0;
  return { unread, unseen: item.seenAt === null ? unread : 0 };
}
