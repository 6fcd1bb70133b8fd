/** A look at the running server: who is connected, and how much goes through. */
import { make } from "../shared/dom.js";
import { locale, words } from "../shared/language.js";
import { Plot } from "./plot.js";

/** @typedef {import("../session/session.js").Session} Session */
/** @typedef {{ time: string, users: number, sockets: number, sends: number, deliveries: number,
 *              store: Part, relay: Part, rabbitmq: Part }} Stats */
/** @typedef {{ state: string, driver?: string, kind?: string }} Part */

const INTERVAL = 2_000;
const PATIENCE = 5_000;
const UNKNOWN = "unknown";
const GOOD = ["ok", "connected", "consuming", "local"];
const NEUTRAL = ["off", UNKNOWN];

export class LiveView {
  #plot = new Plot();
  #numbers = make("dl", "numbers");
  #parts = make("ul", "parts");
  #away = make("p", "hint", words.liveAway);
  #timer = 0;
  #connected = false;
  #asking = false;
  /** @type {Stats | null} */
  #last = null;

  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    const body = make("div", "stack", this.#numbers, this.#plot.element, this.#parts, this.#away);
    this.element = make("details", "panel", make("summary", "", words.liveTitle), body);
    this.element.addEventListener("toggle", () => this.#ask());
    this.#lose();
  }

  start() {
    this.#timer = window.setInterval(() => this.#ask(), INTERVAL);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** @param {boolean} connected figures from before a connection was lost say nothing about now */
  setConnected(connected) {
    this.#connected = connected;
    if (connected) this.#ask();
    else this.#lose();
  }

  /** Only while somebody can see it. */
  async #ask() {
    if (!this.#connected || this.#asking || document.hidden || !this.element.open) return;
    this.#asking = true;
    try {
      const stats = await this.session.call("GET", "/api/stats/", undefined, AbortSignal.timeout(PATIENCE));
      if (this.#connected) this.#show(stats);
    } catch {
      this.#lose();
    } finally {
      this.#asking = false;
    }
  }

  /** Say that nothing is known, instead of what was true once. */
  #lose() {
    this.#last = null;
    this.#away.hidden = false;
    this.#fill({ users: null, sockets: null, sends: null, deliveries: null }, {});
  }

  /** @param {Stats} stats */
  #show(stats) {
    const sends = this.#rate(stats, "sends");
    const deliveries = this.#rate(stats, "deliveries");
    this.#last = stats;
    this.#away.hidden = true;
    this.#plot.add(sends, deliveries);
    this.#fill({ users: stats.users, sockets: stats.sockets, sends, deliveries }, stats);
  }

  /**
   * @param {Record<"users" | "sockets" | "sends" | "deliveries", number | null>} numbers
   * @param {Partial<Record<"store" | "relay" | "rabbitmq", Part>>} parts
   */
  #fill({ users, sockets, sends, deliveries }, { store, relay, rabbitmq }) {
    this.#numbers.replaceChildren(
      ...figure(users, words.liveUsers),
      ...figure(sockets, words.liveSockets),
      ...figure(sends, words.liveSends, "sends"),
      ...figure(deliveries, words.liveDeliveries, "deliveries"),
    );
    this.#parts.replaceChildren(
      part(words.store, store),
      part(words.relay, relay),
      part(words.rabbitmq, rabbitmq),
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

/** @param {number | null} value @param {string} name @param {string} [line] of the plot */
function figure(value, name, line = "") {
  const number = value?.toLocaleString(locale, { maximumFractionDigits: value < 10 ? 1 : 0 });
  return [make("dt", line, name), make("dd", "", number ?? "–")];
}

/** @param {string} name @param {Part} [part] */
function part(name, { state, driver, kind } = { state: UNKNOWN }) {
  const light = make("i");
  light.setAttribute("aria-hidden", "true");
  const said = words.states[state] ?? state;
  const item = make("li", "", light, `${name}: ${said}`);
  if (driver ?? kind) item.append(" ", make("small", "", driver ?? kind ?? ""));
  item.dataset.state = GOOD.includes(state) ? "good" : NEUTRAL.includes(state) ? "neutral" : "bad";
  return item;
}
