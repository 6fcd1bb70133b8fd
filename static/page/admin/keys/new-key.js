/** What a new key is to be. */
import { make } from "../../shared/dom.js";
import { number, optional, text } from "../shared/fields.js";
import { words } from "../shared/language.js";

/** @typedef {import("../shared/api.js").Scope} Scope */

const SCOPES = /** @type {Scope[]} */ (["send", "identity", "inbox", "withdraw", "receipts", "revoke", "metrics"]);
const DAY = 86_400;

export class NewKey {
  #name = text("key-name", words.keyName);
  #boxes = SCOPES.map((scope) => scopeBox(scope));
  #prefix = optional("key-prefix", words.keyPrefix, words.keyPrefixHint);
  #rate = number("key-rate", words.keyRate, words.keyRateHint);
  #days = number("key-days", words.keyDays, words.keyDaysHint);

  /** @returns {Record<string, import("../shared/dialog.js").Field>} */
  get fields() {
    return {
      name: this.#name,
      scopes: this.#scopes(),
      user_prefix: this.#prefix,
      rate: this.#rate,
      expires_in: this.#days,
    };
  }

  /** As the server wants it: what was left out isn't there. */
  get wish() {
    const [prefix, rate, days] = [this.#prefix, this.#rate, this.#days].map(({ input }) => input.value);
    return {
      name: this.#name.input.value,
      scopes: this.#chosen,
      ...(prefix && { user_prefix: prefix }),
      ...(rate && { rate: Number(rate) }),
      ...(days && { expires_in: Number(days) * DAY }),
    };
  }

  get #chosen() {
    return this.#boxes.filter(({ input }) => input.checked).map(({ scope }) => scope);
  }

  /** @returns {import("../shared/dialog.js").Field} */
  #scopes() {
    const error = make("p", "error");
    error.id = "key-scopes-error";
    const group = make("fieldset", "scopes", make("legend", "", words.keyScopes), ...this.#boxes.map(({ label }) => label));
    group.setAttribute("aria-describedby", error.id);
    const say = (/** @type {string} */ said) => {
      error.textContent = said;
    };
    const check = () => (this.#chosen.length ? "" : words.chooseScope);
    return { input: this.#boxes[0].input, say, check, parts: [group, error] };
  }
}

/** @param {Scope} scope */
function scopeBox(scope) {
  const input = make("input");
  Object.assign(input, { type: "checkbox", value: scope, checked: scope === "send" });
  const label = make("label", "check", input, make("span", "", make("b", "", scope), " ", make("small", "quiet", words.scopes[scope])));
  return { scope, input, label };
}
