import { make } from "../dom.js";

/**
 * @typedef {import("../../../notifier-inbox.d.ts").Filter} Filter
 * @typedef {{ label: string, filter: Filter }} Tab
 */

const FILTERS = /** @type {Record<string, Filter>} */ ({
  all: {},
  unread: { status: "unread" },
  archived: { archived: "only" },
});

/**
 * @param {string | null} names which of all, unread and archived; all three if null
 * @param {string | null} categories `name` or `name=label`, by commas
 * @param {import("../words.js").Words} words
 * @returns {Tab[]} at least one
 */
export function tabsOf(names, categories, words) {
  const own = (names ?? "all unread archived").split(/[\s,]+/).filter((name) => name in FILTERS);
  const tabs = own.map((name) => ({ label: words.tab[name], filter: FILTERS[name] }));
  for (const entry of (categories ?? "").split(",").map((part) => part.trim())) {
    const [category, label = category] = entry.split("=");
    if (category) tabs.push({ label, filter: { category } });
  }
  return tabs.length ? tabs : [{ label: words.tab.all, filter: FILTERS.all }];
}

/** A row of tabs; arrows go from one to the next. */
export class Tabs {
  #tabs;
  #chosen;
  #buttons;
  /** @param {Tab[]} tabs @param {string} label @param {(tab: Tab) => void} chosen */
  constructor(tabs, label, chosen) {
    this.#tabs = tabs;
    this.#chosen = chosen;
    this.#buttons = tabs.map((tab) =>
      make("button", { role: "tab", part: "tab", "aria-controls": "panel", onclick: () => this.choose(tab) }, tab.label),
    );
    const onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    this.element = make("div", { part: "tabs", role: "tablist", "aria-label": label, hidden: tabs.length === 1, onkeydown }, ...this.#buttons);
    this.current = tabs[0];
    this.#mark();
  }

  /** @param {Tab} tab */
  choose(tab) {
    if (tab === this.current) return;
    this.current = tab;
    this.#mark();
    this.#chosen(tab);
  }

  #mark() {
    this.#buttons.forEach((button, index) => {
      const selected = this.#tabs[index] === this.current;
      button.setAttribute("aria-selected", String(selected));
      button.tabIndex = selected ? 0 : -1;
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const rightToLeft = getComputedStyle(this.element).direction === "rtl";
    const step = { ArrowRight: rightToLeft ? -1 : 1, ArrowLeft: rightToLeft ? 1 : -1 }[event.key];
    if (!step) return;
    const { length } = this.#tabs;
    const next = (this.#tabs.indexOf(this.current) + step + length) % length;
    this.#buttons[next].focus();
    this.choose(this.#tabs[next]);
  }
}
