import { surroundings } from "./environment.js";
import { Line } from "./line.js";
import { ServerNotification } from "./notification.js";
import { Ordering } from "./ordering.js";
import { Tabs } from "./tabs.js";
import { Tally } from "./tally.js";
import { Timers } from "./timers.js";

/**
 * @typedef {import("../notifier.d.ts").NotifierClient} PublicClient
 * @typedef {import("../notifier.d.ts").Options} Options
 * @typedef {import("../notifier.d.ts").Events["inbox"]["detail"]} InboxFrame
 * @typedef {import("../notifier.d.ts").ServerNotification} PublicNotification
 * @typedef {import("../notifier.d.ts").Status} Status
 * @typedef {import("./frame.js").Frame} Frame
 */

const LEADER_SILENCE = 3_000;
const PATIENCE_WITH_GAPS = 100;
const INBOX_FRAMES = ["inbox_state", "inbox_changed", "notification_withdrawn"];

/**
 * A user's notifications, as events: `notification`, `state`, `error`, `inbox` if that was
 * asked for, and `frame` for those who want to see the protocol.
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
  #tally = new Tally();
  #deafen = () => {};
  #timers;
  /** @type {Status} */
  #status = { state: "idle" };

  /** @param {Options} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#environment = { ...surroundings(), ...options.environment };
    this.#timers = new Timers(this.#environment);
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

  /** How many are unread, where `events` ask for that; what a tab that joins is told, too. */
  get counts() {
    return this.#tally.state;
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
      follow: () => this.#follow(),
      hear: (message) => this.#hear(message),
    });
    this.#deafen = onWake(() => this.#wake());
    this.#tabs.join();
    if (this.leading) return;
    this.#ask();
    this.#watch();
  }

  /** Another tab took over. */
  #follow() {
    this.#line.close();
    this.#watch();
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
    const { now } = this.#environment;
    const due = now() + LEADER_SILENCE;
    this.#tabs?.tell({ hello: true });
    if (this.#timers.has("silence")) return;
    this.#timers.start("silence", LEADER_SILENCE, () => {
      if (this.leading) return;
      // Much too late, this tab was frozen itself: the answer may lie unread.
      if (now() > due + LEADER_SILENCE) this.#ask();
      else this.#tabs?.usurp();
    });
  }

  /**
   * A leader is heard of with each of its pings. One that froze is noticed by their absence,
   * also where nobody switches tabs.
   */
  #watch() {
    const { interval, timeout } = this.#line.heartbeat;
    this.#timers.start("watch", interval + timeout, () => {
      if (this.leading) return;
      this.#ask();
      this.#watch();
    });
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
      this.#timers.stop("silence");
      this.#watch();
      this.#apply(message);
    } else if (message.ack) {
      // Each tab acknowledges what it showed; the server hears it once.
      if (this.#unacked.has(message.ack)) this.ack(message.ack);
    } else if (message.hello) {
      this.#tabs?.tell({ status: this.#status });
      const inbox = this.counts;
      if (inbox) this.#tabs?.tell({ inbox });
      for (const frame of this.#unacked.values()) this.#tabs?.tell({ frame, direction: "in" });
      this.#line.wake();
    }
  }

  /** @param {any} message */
  #apply({ frame, direction, status, error, inbox }) {
    if (status) this.#changed(status);
    else if (inbox) this.#inbox(inbox);
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
    this.#timers.stopAll();
    this.#deliver(this.#ordering.flush());
    this.#line.close();
    this.#tabs?.leave();
    this.#tabs = null;
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
    if (INBOX_FRAMES.includes(type)) this.#inbox(/** @type {InboxFrame} */ (/** @type {unknown} */ (fields)));
  }

  /** @param {InboxFrame} frame */
  #inbox(frame) {
    if (frame.type === "notification_withdrawn") this.#forget(frame.key);
    else this.#tally.tell(frame);
    this.#emit("inbox", frame);
  }

  /** @param {string} key */
  #forget(key) {
    this.#unacked.delete(key);
    this.#ordering.drop(key);
  }

  /** @param {string} text @param {Frame} fields */
  #receive(text, fields) {
    const { key = "", seq = 0, priority = "normal" } = fields;
    this.#tally.add({ seq, priority });
    if (this.#ordering.has(key)) {
      // Again, although acknowledged: the acknowledgement was lost on its way.
      if (this.leading && !this.#unacked.has(key)) this.ack(key);
      return;
    }
    this.#unacked.set(key, text);
    this.#deliver(this.#ordering.accept(new ServerNotification(text, fields, (key) => this.ack(key))));
    if (!this.#ordering.waiting || this.#timers.has("gap")) return;
    this.#timers.start("gap", PATIENCE_WITH_GAPS, () => this.#deliver(this.#ordering.flush()));
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
