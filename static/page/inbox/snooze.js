/** Until when a notification is put off. */
import { later } from "../../notifier/bell/screen/time.js";
import { byId, make, say } from "../shared/dom.js";
import { locale, words } from "../shared/language.js";

const DAY = 86_400_000;
const LATEST_DAYS = 365;

const moment = new Intl.DateTimeFormat(locale, { weekday: "short", hour: "numeric", minute: "2-digit" });

export class Snooze {
  /** @type {HTMLDialogElement} */
  #dialog = byId("snooze");
  /** @type {HTMLInputElement} */
  #own = byId("snooze-own");
  /** @type {string[]} */
  #keys = [];

  /** @param {(keys: string[], until: Date) => void} chosen */
  constructor(chosen) {
    this.chosen = chosen;
    byId("snooze-close").addEventListener("click", () => this.#dialog.close());
    byId("snooze-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#chooseOwn();
    });
  }

  /** @param {string[]} keys */
  ask(keys) {
    if (keys.length === 0) return;
    this.#keys = keys;
    byId("snooze-choices").replaceChildren(...later().map(([name, until]) => this.#button(name, until)));
    this.#own.value = "";
    say(byId("snooze-error"));
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  /** @param {string} name @param {Date} until */
  #button(name, until) {
    const button = make("button", "", words.snoozeUntil[name], " ", make("small", "quiet", moment.format(until)));
    button.type = "button";
    button.addEventListener("click", () => this.#choose(until));
    return make("li", "", button);
  }

  #chooseOwn() {
    const until = new Date(this.#own.value);
    const days = (until.getTime() - Date.now()) / DAY;
    if (days > 0 && days < LATEST_DAYS) return this.#choose(until);
    say(byId("snooze-error"), words.snoozeRefused);
    this.#own.focus();
  }

  /** @param {Date} until */
  #choose(until) {
    this.#dialog.close();
    this.chosen(this.#keys, until);
  }
}
