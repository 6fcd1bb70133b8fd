import { make } from "../dom.js";
import { iconButton } from "./icons.js";
import { bodyOf, levelOf, priorityOf, titleOf } from "./parts.js";

const SHOWN = 6_000;
const MOST = 3;

/** What has just come, for a few seconds in a corner; an urgent one stays. */
export class Toasts {
  #commands;
  #headline;
  #words;
  /** @param {Pick<import("./row.js").Rendering, "commands" | "headline" | "words">} rendering */
  constructor({ commands, headline, words }) {
    this.#commands = commands;
    this.#headline = headline;
    this.#words = words;
    this.element = make("div", { part: "toasts", popover: "manual" });
  }

  /** @param {import("./commands.js").Item} item */
  show(item) {
    const toast = this.#toast(item);
    this.element.append(toast);
    while (this.element.childElementCount > MOST) this.element.firstElementChild?.remove();
    if (!this.element.matches(":popover-open")) this.element.showPopover();
    if (item.priority !== "urgent") this.#expire(toast);
  }

  /** @param {string} key */
  forget(key) {
    for (const toast of this.element.children) if (toast.getAttribute("data-key") === key) this.#drop(toast);
  }

  clear() {
    for (const toast of [...this.element.children]) this.#drop(toast);
  }

  /** @param {import("./commands.js").Item} item @returns {HTMLElement} */
  #toast(item) {
    const words = this.#words;
    const title = titleOf(item, this.#headline(item), (event, address) => {
      this.#commands.follow(event, [item], address);
      this.#drop(toast);
    });
    const toast = make(
      "div",
      { part: `toast priority-${item.priority}`, "data-key": item.key },
      levelOf(item),
      make("div", { part: "content" }, title, bodyOf(item)),
      priorityOf(item, words),
      iconButton("close", words.dismiss, "tool", () => this.#drop(toast)),
    );
    return toast;
  }

  /** Not while somebody is at it. @param {HTMLElement} toast */
  #expire(toast) {
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.#expire(toast);
      else this.#drop(toast);
    }, SHOWN);
  }

  /** @param {Element} toast */
  #drop(toast) {
    toast.remove();
    if (this.element.childElementCount === 0 && this.element.matches(":popover-open")) this.element.hidePopover();
  }
}
