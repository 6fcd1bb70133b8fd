/** A short word about what was done, with a way back. */
import { make } from "../shared/dom.js";
import { words } from "../shared/language.js";

const SHOWN = 10_000;

export class Toast {
  #said = make("span");
  #undo = make("button", "plain", words.undo);
  #timer = 0;
  /** @type {(() => void) | null} */
  #back = null;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.home = place.parentElement;
    this.#said.setAttribute("role", "status");
    this.#undo.type = "button";
    this.#undo.addEventListener("click", () => this.undo());
    place.replaceChildren(this.#said, this.#undo);
    // It waits while somebody is about to use it.
    for (const kind of ["pointerenter", "focusin"]) place.addEventListener(kind, () => clearTimeout(this.#timer));
    for (const kind of ["pointerleave", "focusout"]) place.addEventListener(kind, () => this.#leaveSoon());
    this.hide();
  }

  /** @param {string} text @param {(() => void) | null} [undo] what takes it back */
  tell(text, undo = null) {
    this.#said.textContent = text;
    this.#back = undo;
    this.#undo.hidden = undo === null;
    // Empty it is there all the same, so that what appears in it is read out.
    this.place.classList.remove("unseen");
    this.#leaveSoon();
  }

  /** Be where it can be reached: a dialog makes all that is outside of it inert. */
  settle() {
    const here = document.querySelector("#detail[open]") ?? this.home;
    if (this.place.parentElement !== here) here?.append(this.place);
  }

  /** Take back what was told of last. */
  undo() {
    const back = this.#back;
    this.hide();
    back?.();
  }

  hide() {
    clearTimeout(this.#timer);
    this.#back = null;
    this.#said.textContent = "";
    this.#undo.hidden = true;
    this.place.classList.add("unseen");
  }

  #leaveSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.hide(), SHOWN);
  }
}
