import { surroundings } from "./environment.js";
import { Line } from "./line.js";
import { ServerNotification } from "./notification.js";
import { Ordering } from "./ordering.js";
import { Tabs } from "./tabs.js";

/**
 * @typedef {import("../notifier.d.ts").NotifierClient} PublicClient
 * @typedef {import("../notifier.d.ts").Options} Options
 * @typedef {import("../notifier.d.ts").ServerNotification} PublicNotification
 * @typedef {import("../notifier.d.ts").Status} Status
 * @typedef {import("./frame.js").Frame} Frame
 */

const LEADER_SILENCE = 3_000;
const PATIENCE_WITH_GAPS = 100;

/**
 * A user's notifications, as events: `notification`, `state`, `error`, and `frame`
 * for those who want to see the protocol.
 * @implements {PublicClient}
 */
export class NotifierClient extends EventTarget {
  #options;
  #environment;
  #ordering;
  #line;
  /** @type {Tabs | null} */
  #tabs = null;
  /** Frames of what was delivered but not acknowledged, by key. @type {Map<string, string>} */
  #unacked = new Map();
  #deafen = () => {};
  /** @type {unknown} */
  #gapTimer;
  /** @type {unknown} */
  #silenceTimer;
  /** @type {Status} */
  #status = { state: "idle" };

  /** @param {Options} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#environment = { ...surroundings(), ...options.environment };
    this.#ordering = new Ordering(options.remember);
    this.#line = new Line(options, this.#environment, {
      frame: (text, direction) => this.#share({ frame: text, direction }),
      status: (status) => this.#share({ status }),
      error: (error) => this.#share({ error: error instanceof Error ? error.message : String(error) }),
    });
  }

  get status() {
    return this.#status;
  }

  /** Whether this tab holds the socket. */
  get leading() {
    return this.#tabs?.leading ?? false;
  }

  connect() {
    if (this.#tabs) return;
    const { origin, onWake } = this.#environment;
    const { url = origin, userId, user, shareTabs = true } = this.#options;
    this.#changed({ state: "connecting" });
    const environment = shareTabs ? this.#environment : { ...this.#environment, locks: undefined };
    const whose = user === undefined ? userId : `me ${user}`;
    this.#tabs = new Tabs(`notifier/1 ${url} ${whose}`, environment, {
      lead: () => this.#line.connect(),
      follow: () => this.#line.close(),
      hear: (message) => this.#hear(message),
    });
    this.#deafen = onWake(() => this.#wake());
    this.#tabs.join();
    if (!this.leading) this.#ask();
  }

  /** Try again now instead of at `status.retryAt`. */
  reconnect() {
    this.#wake();
  }

  close() {
    this.#changed({ state: "closed", reason: "closed" });
  }

  /** @param {string} key */
  ack(key) {
    this.#unacked.delete(key);
    if (this.leading) this.#line.send({ type: "message_ack", key });
    else this.#tabs?.tell({ ack: key });
  }

  #wake() {
    if (this.leading) this.#line.wake();
    else this.#ask();
  }

  /** Find out what the leading tab knows, and whether it still lives. */
  #ask() {
    const { setTimeout } = this.#environment;
    this.#tabs?.tell({ hello: true });
    this.#silenceTimer ??= setTimeout(() => {
      this.#silenceTimer = undefined;
      if (!this.leading) this.#tabs?.usurp();
    }, LEADER_SILENCE);
  }

  /** What happens on our line happens in all tabs. @param {any} message */
  #share(message) {
    this.#tabs?.tell(message);
    this.#apply(message);
  }

  /** @param {any} message from another tab */
  #hear(message) {
    if (!this.leading) {
      if (message.hello || message.ack) return;
      this.#stopTimer();
      this.#apply(message);
    } else if (message.ack) {
      // Each tab acknowledges what it showed; the server hears it once.
      if (this.#unacked.has(message.ack)) this.ack(message.ack);
    } else if (message.hello) {
      this.#tabs?.tell({ status: this.#status });
      for (const frame of this.#unacked.values()) this.#tabs?.tell({ frame, direction: "in" });
      this.#line.wake();
    }
  }

  /** @param {any} message */
  #apply({ frame, direction, status, error }) {
    if (status) this.#changed(status);
    else if (error !== undefined) this.#emit("error", new Error(error));
    else this.#frame(frame, direction);
  }

  /** @param {Status} status */
  #changed(status) {
    this.#status = status;
    if (status.state === "closed") this.#leave();
    this.#emit("state", status);
  }

  #leave() {
    this.#deafen();
    this.#stopTimer();
    this.#environment.clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
    this.#deliver(this.#ordering.flush());
    this.#line.close();
    this.#tabs?.leave();
    this.#tabs = null;
  }

  #stopTimer() {
    this.#environment.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = undefined;
  }

  /** @param {string} text @param {"in" | "out"} direction */
  #frame(text, direction) {
    this.#emit("frame", { text, direction });
    /** @type {Frame} */
    let fields;
    try {
      fields = JSON.parse(text);
    } catch {
      return this.#emit("error", new Error("The server sent a frame that isn't JSON."));
    }
    const { type, key = "", value } = fields;
    if (type === "message_ack") this.#unacked.delete(key);
    if (type === "message_processing_error") this.#emit("error", new Error(String(value)));
    if (type === "server_notification") this.#receive(text, fields);
  }

  /** @param {string} text @param {Frame} fields */
  #receive(text, fields) {
    const { key = "" } = fields;
    if (this.#ordering.has(key)) {
      // Again, although acknowledged: the acknowledgement was lost on its way.
      if (this.leading && !this.#unacked.has(key)) this.ack(key);
      return;
    }
    this.#unacked.set(key, text);
    this.#deliver(this.#ordering.accept(new ServerNotification(text, fields, (key) => this.ack(key))));
    if (!this.#ordering.waiting) return;
    this.#gapTimer ??= this.#environment.setTimeout(() => {
      this.#gapTimer = undefined;
      this.#deliver(this.#ordering.flush());
    }, PATIENCE_WITH_GAPS);
  }

  /** @param {PublicNotification[]} notifications */
  #deliver(notifications) {
    for (const notification of notifications) {
      this.#emit("notification", notification);
      if (this.#options.ack === "manual") continue;
      if (this.leading) notification.ack();
      else this.#unacked.delete(notification.key);
    }
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
