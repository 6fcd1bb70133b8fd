/** A look at the running server: who is connected, and how much goes through. */
import { make } from "./dom.js";
import { locale, words } from "./language.js";
import { Plot } from "./plot.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{ time: string, users: number, sockets: number, sends: number, deliveries: number,
 *              store: Part, relay: Part, rabbitmq: Part }} Stats */
/** @typedef {{ state: string, driver?: string, kind?: string }} Part */

const INTERVAL = 2_000;
const GOOD = ["ok", "connected", "consuming", "local"];

export class LiveView {
  #plot = new Plot();
  #numbers = make("dl", "numbers");
  #parts = make("ul", "parts");
  #away = make("p", "hint", words.liveAway);
  #timer = 0;
  /** @type {Stats | null} */
  #last = null;

  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    const body = make("div", "stack", this.#numbers, this.#plot.element, this.#parts, this.#away);
    this.element = make("details", "panel", make("summary", "", words.liveTitle), body);
    this.#away.hidden = true;
    this.element.addEventListener("toggle", () => this.#ask());
  }

  start() {
    this.#timer = window.setInterval(() => this.#ask(), INTERVAL);
    this.#ask();
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Only while somebody can see it. */
  async #ask() {
    if (document.hidden || !this.element.open) return;
    try {
      this.#show(await this.session.call("GET", "/api/stats/"));
      this.#away.hidden = true;
    } catch {
      this.#last = null;
      this.#away.hidden = false;
    }
  }

  /** @param {Stats} stats */
  #show(stats) {
    const sends = this.#rate(stats, "sends");
    const deliveries = this.#rate(stats, "deliveries");
    this.#last = stats;
    this.#plot.add(sends, deliveries);
    this.#numbers.replaceChildren(
      ...figure(stats.users, words.liveUsers),
      ...figure(stats.sockets, words.liveSockets),
      ...figure(sends, words.liveSends, "sends"),
      ...figure(deliveries, words.liveDeliveries, "deliveries"),
    );
    this.#parts.replaceChildren(
      part(words.store, stats.store),
      part(words.relay, stats.relay),
      part(words.rabbitmq, stats.rabbitmq),
    );
  }

  /** Per second since the last look. @param {Stats} stats @param {"sends" | "deliveries"} name */
  #rate(stats, name) {
    if (!this.#last) return 0;
    const seconds = (Date.parse(stats.time) - Date.parse(this.#last.time)) / 1_000;
    // A restarted server counts from zero again.
    return seconds > 0 ? Math.max(0, stats[name] - this.#last[name]) / seconds : 0;
  }
}

/** @param {number} value @param {string} name @param {string} [line] of the plot */
function figure(value, name, line = "") {
  const number = value.toLocaleString(locale, { maximumFractionDigits: value < 10 ? 1 : 0 });
  return [make("dt", line, name), make("dd", "", number)];
}

/** @param {string} name @param {Part} part */
function part(name, { state, driver, kind }) {
  const light = make("i");
  light.setAttribute("aria-hidden", "true");
  const said = words.states[state] ?? state;
  const item = make("li", "", light, `${name}: ${said}`);
  if (driver ?? kind) item.append(" ", make("small", "", driver ?? kind ?? ""));
  item.dataset.state = GOOD.includes(state) ? "good" : state === "off" ? "off" : "bad";
  return item;
}
