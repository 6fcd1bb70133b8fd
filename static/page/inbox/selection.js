/** Those of the list that were picked, and what can be done with all of them. */
import { byId, say } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { archiveOrBack, isSnoozed, readOrUnread } from "./deeds.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("../../notifier/bell/screen/rows.js").Row} Row */

export class Selection {
  /** @type {Set<string>} */
  #keys = new Set();
  /** Where a range begins: a row's id. @type {string | undefined} */
  #last;

  /**
   * @param {import("./list.js").List} list
   * @param {import("./deeds.js").Deeds} deeds
   * @param {import("./snooze.js").Snooze} snooze
   */
  constructor(list, deeds, snooze) {
    this.list = list;
    this.deeds = deeds;
    this.snooze = snooze;
    const on = (/** @type {string} */ id, /** @type {() => void} */ action) => byId(id).addEventListener("click", action);
    on("bulk-read", () => this.toggleRead());
    on("bulk-archive", () => this.archive());
    on("bulk-snooze", () => this.putOff());
    on("bulk-up-to", () => this.#readUpTo());
    on("bulk-all", () => this.all());
    on("bulk-none", () => this.clear());
    list.addEventListener("row", (event) => this.#mark(/** @type {CustomEvent<HTMLElement>} */ (event).detail));
    list.addEventListener("change", () => this.#prune());
  }

  /** @returns {Item[]} the newest first */
  get items() {
    return this.list.items.filter(({ key }) => this.#keys.has(key));
  }

  get keys() {
    return this.items.map(({ key }) => key);
  }

  get empty() {
    return this.#keys.size === 0;
  }

  /** @param {Row} row @param {boolean} range all from the one that was picked last */
  toggle(row, range = false) {
    const chosen = range ? this.list.between(this.list.find(this.#last), row) : [row];
    const on = !this.#picked(row);
    for (const { key } of chosen.flatMap(({ items }) => items)) {
      if (on) this.#keys.add(key);
      else this.#keys.delete(key);
    }
    this.#last = row.id;
    this.#show();
  }

  /** All that are loaded and that the filter lets through. */
  all() {
    for (const { key } of this.list.items) this.#keys.add(key);
    this.#show();
  }

  clear() {
    const focused = byId("bulk").contains(document.activeElement);
    this.#keys.clear();
    this.#show();
    const last = this.list.element(this.list.find(this.#last));
    if (focused) (/** @type {HTMLElement | null | undefined} */ (last?.querySelector(".entry-select")) ?? byId("box-all")).focus();
  }

  toggleRead() {
    this.deeds.do(readOrUnread(this.items), this.keys);
  }

  archive() {
    this.deeds.do(archiveOrBack(this.items), this.keys);
  }

  putOff() {
    if (this.items.every(isSnoozed)) this.deeds.wake(this.keys);
    else this.snooze.ask(this.keys);
  }

  #readUpTo() {
    const [newest] = this.items;
    if (newest) this.deeds.readAll(this.list.category, newest.seq);
  }

  /** A row is picked when all of it is. @param {Row | undefined} row */
  #picked(row) {
    return row?.items.every(({ key }) => this.#keys.has(key)) === true;
  }

  /** What has left the list is picked no more. */
  #prune() {
    if (this.empty) return;
    const listed = new Set(this.list.items.map(({ key }) => key));
    for (const key of this.#keys) if (!listed.has(key)) this.#keys.delete(key);
    this.#show();
  }

  #show() {
    byId("bulk").hidden = this.empty;
    byId("inbox").toggleAttribute("data-picking", !this.empty);
    for (const row of byId("feed").children) this.#mark(row);
    if (this.empty) return say(byId("bulk-count"), words.picked(0));
    const { items } = this;
    say(byId("bulk-count"), words.picked(items.length));
    byId("bulk-read").textContent = readOrUnread(items) === "read" ? words.markRead : words.markUnread;
    byId("bulk-archive").textContent = archiveOrBack(items) === "archive" ? words.archive : words.unarchive;
    byId("bulk-snooze").textContent = items.every(isSnoozed) ? words.wake : words.snooze;
    byId("bulk-up-to").hidden = items.length !== 1 || items[0].archivedAt !== null || isSnoozed(items[0]);
  }

  /** @param {any} element of a row */
  #mark(element) {
    const picked = this.#picked(this.list.of(element));
    element.toggleAttribute("data-picked", picked);
    element.querySelector(".entry-select").checked = picked;
  }
}
