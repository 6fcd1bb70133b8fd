/** The rows of a list: one for each notification, but one for all of a group, which unfolds. */
import { midnight } from "./time.js";

/**
 * @typedef {import("../../../notifier-inbox.d.ts").Item} Item
 * @typedef {object} Row
 * @property {string} id the same for as long as the row is there
 * @property {Item[]} items those it stands for, the newest first
 * @property {number | null} day where a day begins: its midnight
 * @property {"folded" | "unfolded" | null} group what it is of a group; null for one of its own
 * @property {boolean} inner whether it is shown because its group is unfolded
 */

/**
 * @param {readonly Item[]} items the newest first
 * @param {ReadonlySet<string>} unfolded the ids of groups that show all of theirs
 * @returns {Row[]}
 */
export function rowsOf(items, unfolded) {
  const heads = gathered(items);
  /** @type {Row[]} */
  const rows = [];
  const days = new Days();
  for (const row of heads) {
    row.day = days.begins(row.items[0].createdAt);
    rows.push(row);
    if (row.items.length === 1) continue;
    row.group = unfolded.has(row.id) ? "unfolded" : "folded";
    if (row.group === "unfolded") for (const item of row.items) rows.push(single(item, true));
  }
  return rows;
}

/** A group stands where its newest one does. @param {readonly Item[]} items */
function gathered(items) {
  /** @type {Map<string, Row>} */
  const groups = new Map();
  /** @type {Row[]} */
  const rows = [];
  for (const item of items) {
    const group = item.message?.group;
    const head = group && groups.get(group);
    if (head) {
      head.items.push(item);
      continue;
    }
    const row = single(item, false);
    if (group) groups.set(group, { ...row, id: `group ${group}` });
    rows.push(group ? /** @type {Row} */ (groups.get(group)) : row);
  }
  return rows;
}

/** @param {Item} item @param {boolean} inner @returns {Row} */
function single(item, inner) {
  return { id: `${inner ? "inner" : "item"} ${item.key}`, items: [item], day: null, group: null, inner };
}

/** Tells where days begin, at the price of a comparison for most notifications. */
class Days {
  #from = Infinity;
  #to = -Infinity;

  /** The midnight of a day other than the last one's. @param {Date} date */
  begins(date) {
    const time = date.getTime();
    if (time >= this.#from && time < this.#to) return null;
    this.#from = midnight(date);
    this.#to = midnight(new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1));
    return this.#from;
  }
}
