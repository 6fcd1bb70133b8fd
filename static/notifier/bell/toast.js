import { icon, iconButton, make } from "./dom.js";
import { webAddress } from "./link.js";
import { headline, priorityOf } from "./row.js";

const SHOWN = 6_000;
const MOST = 3;

/** What has just come, for a few seconds in a corner; an urgent one stays. */
export class Toasts {
  /** @param {import("./commands.js").Commands} commands @param {import("./language.js").Language} language */
  constructor(commands, language) {
    this.commands = commands;
    this.language = language;
    this.element = make("div", { part: "toasts", popover: "manual", dir: language.direction || null });
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

  /** @param {import("./commands.js").Item} item */
  #toast(item) {
    const { words } = this.language;
    const { level, title, body, url } = item.message ?? {};
    const address = webAddress(url);
    const said = headline(item, words);
    const onclick = (/** @type {MouseEvent} */ event) => {
      if (address) this.commands.follow(event, [item], address);
      this.#drop(toast);
    };
    /** @type {HTMLElement} */
    const toast = make(
      "div",
      { part: `toast priority-${item.priority}`, "data-key": item.key },
      level ? icon(level, `level ${level}`) : null,
      make(
        "div",
        { part: "content" },
        address ? make("a", { part: "title link", href: address.href, dir: "auto", onclick }, said) : make("span", { part: "title", dir: "auto" }, said),
        title && body ? make("p", { part: "body", dir: "auto" }, body) : null,
      ),
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
