import { make } from "../dom.js";

const SHOWN = 10_000;

/** One line at the foot of the popover: what was done, with a way back, or what failed. */
export class Notice {
  #text;
  #undo;
  #action;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("../words.js").Words} words */
  constructor(words) {
    this.#text = make("span", { role: "status" });
    this.#undo = make("button", { part: "undo", onclick: () => this.#takeBack() }, words.undo);
    this.element = make("div", { part: "notice", hidden: true }, this.#text, this.#undo);
    this.#action = () => {};
  }

  /** @param {import("./commands.js").Said} said */
  say({ text, undo }) {
    this.hide();
    this.element.hidden = false;
    this.#text.textContent = text;
    this.#undo.hidden = !undo;
    if (undo) this.#action = undo;
    this.#timer = setTimeout(() => this.hide(), SHOWN);
  }

  hide() {
    clearTimeout(this.#timer);
    this.element.hidden = true;
    this.#text.textContent = "";
  }

  #takeBack() {
    this.hide();
    this.#action();
  }
}
