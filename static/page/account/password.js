/** The form that changes one's own password. */
import { make, say } from "../shared/dom.js";
import { field } from "../shared/field.js";
import { Refused } from "../session/session.js";
import { words } from "./language.js";

/** @typedef {import("../session/session.js").Session} Session */

const SHORTEST = 8;
const LONGEST = 1_024;

export class PasswordForm {
  #old = field("old-password", words.oldPassword, make("input"));
  #new = field("new-password", words.newPassword, make("input"));
  #button = make("button", "primary", words.change);
  #result = make("p", "notice");

  /** @param {Session} session @param {() => void} changed */
  constructor(session, changed) {
    this.session = session;
    this.changed = changed;
    for (const { input } of [this.#old, this.#new]) input.type = "password";
    this.#old.input.autocomplete = "current-password";
    this.#new.input.autocomplete = "new-password";
    this.#result.setAttribute("role", "status");
    say(this.#result);
    const parts = [...this.#old.parts, ...this.#new.parts, this.#button, this.#result];
    this.element = make("form", "stack", make("h3", "", words.changePassword), this.#name(), ...parts);
    this.element.noValidate = true;
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Whose password it is: for password managers, which look for it. */
  #name() {
    const name = make("input");
    name.autocomplete = "username";
    name.value = this.session.user?.username ?? "";
    name.hidden = true;
    return name;
  }

  async #submit() {
    if (this.#button.disabled || !this.#check()) return;
    this.#busy(true);
    try {
      const body = { password: this.#old.input.value, new_password: this.#new.input.value };
      await this.session.call("POST", "/api/users/password/", JSON.stringify(body));
      this.#old.input.value = this.#new.input.value = "";
      this.#conclude(words.changed, true);
      this.changed();
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#busy(false);
    }
  }

  /** Whether it can be sent; what can't is said beside it. */
  #check() {
    say(this.#result);
    const { length } = this.#new.input.value;
    const newFault = length >= SHORTEST && length <= LONGEST ? "" : words.passwordLength;
    this.#old.say(this.#old.input.value ? "" : words.fieldRequired);
    this.#new.say(length ? newFault : words.fieldRequired);
    const wrong = [this.#old, this.#new].find(({ input }) => input.ariaInvalid === "true");
    wrong?.input.focus();
    return !wrong;
  }

  /** @param {unknown} error */
  #explain(error) {
    const { code, new_password } = (error instanceof Refused && error.body) || {};
    if (code === "wrong_password") this.#fault(this.#old, words.wrongPassword);
    else if (new_password) this.#fault(this.#new, words.passwordLength);
    else if (error instanceof Refused && error.status === 429) this.#conclude(words.tooMany(error.retryAfter ?? 1), false);
    else this.#conclude(words.notKnown, false);
  }

  /** @param {{ input: HTMLInputElement, say: (text: string) => void }} field @param {string} text */
  #fault({ input, say }, text) {
    say(text);
    input.focus();
    input.select();
  }

  /** @param {string} text @param {boolean} good */
  #conclude(text, good) {
    say(this.#result, text);
    this.#result.classList.toggle("bad", !good);
    this.#result.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} busy */
  #busy(busy) {
    this.#button.disabled = busy;
    this.#button.textContent = busy ? words.changing : words.change;
  }
}
