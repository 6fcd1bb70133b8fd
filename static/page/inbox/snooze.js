/** Until when a notification is put off. */
import { byId, make, say } from "../shared/dom.js";
import { locale, words } from "../shared/language.js";

const HOUR = 3_600_000;
const MORNING = 9;
const EVENING = 18;
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
    const now = new Date();
    byId("snooze-choices").replaceChildren(...choices(now).map((choice) => this.#button(choice)));
    this.#own.value = "";
    say(byId("snooze-error"));
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  /** @param {Choice} choice */
  #button({ name, until }) {
    const button = make("button", "", words.snoozeUntil[name], " ", make("small", "quiet", moment.format(until)));
    button.type = "button";
    button.addEventListener("click", () => this.#choose(until));
    return make("li", "", button);
  }

  #chooseOwn() {
    const until = new Date(this.#own.value);
    const days = (until.getTime() - Date.now()) / HOUR / 24;
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

/**
 * What is offered at a time of day: never what is over, or nearly.
 * @typedef {{ name: "hour" | "evening" | "tomorrow" | "week", until: Date }} Choice
 * @param {Date} now
 * @returns {Choice[]}
 */
export function choices(now) {
  const at = (/** @type {number} */ days, /** @type {number} */ hour) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const toMonday = ((8 - now.getDay()) % 7) || 7;
  /** @type {Choice[]} */
  const offered = [
    { name: "hour", until: new Date(now.getTime() + HOUR) },
    { name: "evening", until: at(0, EVENING) },
    { name: "tomorrow", until: at(1, MORNING) },
    { name: "week", until: at(toMonday, MORNING) },
  ];
  return offered.filter(({ name, until }) => name === "hour" || until.getTime() - now.getTime() > HOUR);
}
