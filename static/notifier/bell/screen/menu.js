import { make } from "../dom.js";
import { place } from "./place.js";
import { later } from "./time.js";

/** When something may come back: a menu at a button, closed by Escape or a click elsewhere. */
export class SnoozeMenu {
  #words;
  #times;
  /** @type {(until: Date) => void} */
  #chosen = () => {};
  /** @type {HTMLElement | null} */
  #button = null;

  /** @param {import("../words.js").Words} words @param {import("./time.js").Times} times */
  constructor(words, times) {
    this.#words = words;
    this.#times = times;
    this.element = make("div", {
      part: "menu",
      role: "menu",
      popover: "auto",
      "aria-label": words.snooze,
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
  }

  /** @param {HTMLElement} button @param {(until: Date) => void} chosen */
  open(button, chosen) {
    this.#button = button;
    this.#chosen = chosen;
    this.element.replaceChildren(...later().map(([name, until]) => this.#choice(name, until)));
    this.element.showPopover();
    place(this.element, button);
    this.#items[0].focus();
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.element.children]);
  }

  /** @param {string} name @param {Date} until */
  #choice(name, until) {
    const onclick = () => {
      this.element.hidePopover();
      this.#button?.focus();
      this.#chosen(until);
    };
    const when = make("span", { part: "when" }, this.#times.exact.format(until));
    return make("button", { role: "menuitem", part: "choice", onclick }, this.#words.later[name], when);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const root = /** @type {ShadowRoot} */ (this.element.getRootNode());
    const items = this.#items;
    const index = items.indexOf(/** @type {HTMLElement} */ (root.activeElement));
    const targets = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 };
    const target = targets[/** @type {keyof typeof targets} */ (event.key)];
    if (target === undefined) return;
    event.preventDefault();
    items.at(target % items.length)?.focus();
  }
}
