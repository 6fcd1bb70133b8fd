/** Which part of the inbox is shown: all, unread, archived or snoozed ones, of all categories or of one. */
import { byId, make, say } from "../shared/dom.js";
import { locale, words } from "../shared/language.js";

/** @typedef {import("../../notifier-inbox.d.ts").Filter} Filter */
/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {"all" | "unread" | "archived" | "snoozed"} Box */

/** @type {Record<Box, Filter>} */
const FILTERS = {
  all: {},
  unread: { status: "unread" },
  archived: { archived: "only", snoozed: "include" },
  snoozed: { snoozed: "only" },
};
const MOST_SHOWN = 99;
const MOST_CATEGORIES = 30;

export class Boxes {
  /** @type {Box} */
  box = "all";
  /** @type {string | null} */
  category = null;
  /** @type {Set<string>} those met so far */
  #categories = new Set();

  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    byId("boxes").addEventListener("change", (/** @type {any} */ { target }) => this.choose(target.value));
    byId("categories").addEventListener("change", (/** @type {any} */ { target }) => this.#chooseCategory(target.value));
  }

  /** @returns {Filter} */
  get filter() {
    return { ...FILTERS[this.box], category: this.category };
  }

  /** @param {Box} box */
  choose(box) {
    this.box = box;
    byId(`box-${box}`).checked = true;
    this.changed();
  }

  reset() {
    this.category = null;
    this.box = "all";
    byId("box-all").checked = true;
    this.#categories.clear();
    this.#showCategories();
    this.count(0);
  }

  /** The exact number is for whoever points at it. @param {number} unread */
  count(unread) {
    const place = byId("unread-count");
    const shown = unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread);
    say(place, unread ? shown : "");
    place.title = unread ? unread.toLocaleString(locale) : "";
  }

  /** @param {Item[]} items */
  meet(items) {
    const before = this.#categories.size;
    for (const { category } of items) {
      if (category !== null && this.#categories.size < MOST_CATEGORIES) this.#categories.add(category);
    }
    if (this.#categories.size > before) this.#showCategories();
  }

  /** @param {string} value that of a choice: the first means all */
  #chooseCategory(value) {
    this.category = value === "" ? null : value.slice(1);
    this.changed();
  }

  #showCategories() {
    const place = byId("categories");
    const focused = place.contains(document.activeElement);
    const names = [...this.#categories].sort((one, other) => one.localeCompare(other, locale));
    place.hidden = names.length === 0;
    const choices = [this.#choice("", words.allCategories), ...names.map((name) => this.#choice(`=${name}`, name))];
    place.replaceChildren(...choices);
    if (focused) place.querySelector("input:checked").focus();
  }

  /** @param {string} value @param {string} name */
  #choice(value, name) {
    const input = make("input");
    Object.assign(input, { type: "radio", name: "category", value });
    input.checked = value === (this.category === null ? "" : `=${this.category}`);
    return make("label", "choice", input, make("span", "", name));
  }
}
