/** The sign-in form. */
import { byId, say, showScreen } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { Refused } from "./session.js";

/** @typedef {import("./session.js").Session} Session */

export class SignIn {
  /** @type {HTMLFormElement} */
  #form = byId("sign-in-form");
  /** @type {HTMLInputElement} */
  #username = byId("username");
  /** @type {HTMLInputElement} */
  #password = byId("password");

  /** @param {Session} session @param {() => Promise<void>} done */
  constructor(session, done) {
    this.session = session;
    this.done = done;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const input of [this.#username, this.#password]) {
      input.addEventListener("input", () => this.#fault(input));
    }
  }

  /** @param {string} [notice] why signing in is necessary again */
  show(notice) {
    say(byId("sign-in-notice"), notice);
    showScreen("sign-in");
    (this.#username.value ? this.#password : this.#username).focus();
  }

  async #submit() {
    const empty = [this.#username, this.#password].filter((input) => input.value === "");
    for (const input of empty) this.#fault(input, words.fieldRequired);
    if (empty.length) return empty[0].focus();
    this.#busy(true);
    try {
      await this.session.signIn(this.#username.value, this.#password.value);
      this.#form.reset();
      await this.done();
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#busy(false);
    }
  }

  /** @param {unknown} error */
  #explain(error) {
    this.#fault(this.#password, reason(error));
    this.#password.focus();
    this.#password.select();
  }

  /** @param {HTMLInputElement} input @param {string} [text] */
  #fault(input, text) {
    byId(`${input.id}-error`).textContent = text ?? "";
    input.setAttribute("aria-invalid", String(Boolean(text)));
  }

  /** @param {boolean} busy */
  #busy(busy) {
    const button = this.#form.querySelector("button");
    if (button) button.disabled = busy;
    this.#form.setAttribute("aria-busy", String(busy));
  }
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Refused)) return words.signInUnavailable;
  if (error.status === 401 || error.status === 400) return words.wrongCredentials;
  if (error.status === 429 && error.retryAfter) return words.tooManySignIns(error.retryAfter);
  return words.signInUnavailable;
}
