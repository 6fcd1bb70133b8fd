/** The last frames of the connection, as they came and went. */
import { make } from "../shared/dom.js";
import { locale, words } from "../shared/language.js";

const MOST_FRAMES = 200;
const LONGEST_SHOWN = 2_000;

/** @typedef {{ text: string, direction: "in" | "out" }} Frame */

export class Protocol {
  #place;
  #list = make("ol", "frames");
  /** @type {(Frame & { time: Date })[]} */
  #waiting = [];

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    const clear = make("button", "plain", words.clear);
    clear.type = "button";
    clear.addEventListener("click", () => this.clear());
    this.#list.dataset.empty = words.noFrames;
    this.#list.tabIndex = 0;
    this.#list.setAttribute("aria-label", words.protocol);
    place.replaceChildren(make("div", "panel-head", make("h2", "", words.protocol), clear), this.#list);
  }

  /** @param {boolean} visible */
  show(visible) {
    this.#place.hidden = !visible;
    this.#render();
  }

  clear() {
    this.#waiting = [];
    this.#list.replaceChildren();
  }

  /** Frames can come by the thousand; the document changes once per screen refresh. @param {Frame} frame */
  add({ text, direction }) {
    const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
    this.#waiting.push({ text: shown, direction, time: new Date() });
    if (this.#waiting.length > MOST_FRAMES) this.#waiting.shift();
    if (this.#waiting.length === 1) requestAnimationFrame(() => this.#render());
  }

  #render() {
    if (this.#place.hidden) return;
    const list = this.#list;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(...this.#waiting.splice(0).map(line));
    while (list.childElementCount > MOST_FRAMES) list.firstElementChild?.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }
}

/** @param {Frame & { time: Date }} frame */
function line({ text, direction, time }) {
  const arrow = make("b", "", direction === "in" ? "↓" : "↑");
  arrow.title = direction === "in" ? words.frameIn : words.frameOut;
  const at = make("time", "", time.toLocaleTimeString(locale));
  return make("li", direction, arrow, " ", at, " ", make("code", "", text));
}
