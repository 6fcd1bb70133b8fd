import { done, means } from "./verb.js";

/**
 * @typedef {import("./item.js").Item} Item
 * @typedef {import("./verb.js").Verb} Verb
 *
 * @typedef {object} Target which ones: some keys, or all that is listed up to a place
 * @property {Set<string>} [keys]
 * @property {number} [upTo]
 * @property {string | null} [category]
 */

/** A change that was made here and holds at once, until the server's word of it has come. */
export class Mark {
  /** The version that contains it; null until the server has answered. @type {number | null} */
  settledAt = null;
  /** How those were that it has changed, by key. @type {Map<string, Item>} */
  before = new Map();

  /** @param {Verb} verb @param {Target} target @param {Date} at @param {Date | null} [until] */
  constructor(verb, target, at, until = null) {
    this.verb = verb;
    this.target = target;
    this.at = at;
    this.until = until;
  }

  /** `item` with it. @param {Item} item */
  apply(item) {
    if (!this.#covers(item)) return item;
    let after = done(this.verb, item, this.at, this.until);
    if (after === item) return item;
    if (!this.before.has(item.key)) this.before.set(item.key, item);
    // Whoever reads one has it; of all that is listed, some may not have been delivered.
    if (this.verb === "read" && this.target.keys && !after.ackedAt) after = after.with({ ackedAt: this.at });
    return after;
  }

  /** @param {Item} item */
  #covers(item) {
    const { keys, upTo = 0, category = null } = this.target;
    if (keys) return keys.has(item.key);
    const meant = item.seq <= upTo && (category === null || item.category === category);
    return meant && means(this.verb, item, this.at.getTime());
  }

  /** Up to which place it leaves nothing unread, or nothing unseen, loaded or not. */
  get clears() {
    const { upTo = 0, category = null } = this.target;
    const all = category === null ? upTo : 0;
    const unread = ["read", "archive"].includes(this.verb) ? all : 0;
    return { unread, unseen: this.verb === "seen" ? all : unread };
  }
}

/** A mark taken back, in the same way. */
export class Undo {
  /** @type {number | null} */
  settledAt = null;
  clears = { unread: 0, unseen: 0 };

  /** @param {Mark} mark */
  constructor(mark) {
    this.mark = mark;
  }

  /** @param {Item} item */
  apply(item) {
    const before = this.mark.before.get(item.key);
    // What was acknowledged stays so.
    return before ? before.with({ ackedAt: item.ackedAt }) : item;
  }
}
