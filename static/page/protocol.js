/** The frames of the connection, as they come and go. */
import { make } from "./dom.js";
import { words } from "./language.js";

const MOST_FRAMES = 200;
const LONGEST_SHOWN = 2_000;

export class Protocol {
  #list = make("ol", "frames");

  /** @param {HTMLElement} place */
  constructor(place) {
    const clear = make("button", "plain", words.clear);
    clear.type = "button";
    clear.addEventListener("click", () => this.#list.replaceChildren());
    const head = make("div", "panel-head", make("h2", "", words.protocol), clear);
    this.#list.dataset.empty = words.noFrames;
    this.#list.tabIndex = 0;
    this.#list.setAttribute("aria-label", words.protocol);
    place.replaceChildren(head, this.#list);
  }

  /** @param {{ text: string, direction: "in" | "out" }} frame */
  add({ text, direction }) {
    const arrow = make("b", "", direction === "in" ? "↓" : "↑");
    arrow.title = direction === "in" ? words.frameIn : words.frameOut;
    const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
    const time = make("time", "", new Date().toLocaleTimeString(words.locale));
    const line = make("li", direction, arrow, " ", time, " ", make("code", "", shown));
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    this.#list.append(line);
    if (this.#list.childElementCount > MOST_FRAMES) this.#list.firstElementChild?.remove();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }
}
