import { Backoff, blamed, verdict } from "./backoff.js";
import { Heartbeat } from "./heartbeat.js";
import { Timers } from "./timers.js";
import { JWT, refreshIn } from "./token.js";

/**
 * @typedef {import("../notifier.d.ts").Environment} Environment
 * @typedef {import("../notifier.d.ts").Options} Options
 * @typedef {import("../notifier.d.ts").Socket} Socket
 * @typedef {import("../notifier.d.ts").Status} Status
 * @typedef {import("./frame.js").Frame} Frame
 */

const STABLE_AFTER = 10_000;
const CONNECT_DEADLINE = 15_000;
const REFRESH_RETRY = 5_000;
const REFUSED_BEFORE_ERROR = 3;
const SUBPROTOCOL = "notifier";
const INBOX_SUBPROTOCOL = "notifier.inbox";

/** One WebSocket: connects, prolongs, checks and re-establishes itself until closed. */
export class Line {
  /** @type {Socket | null} */
  #socket = null;
  /** @type {string | null} */
  #token = null;
  #options;
  #environment;
  #report;
  #backoff;
  #timers;
  #freshUntil = 0;
  #openedAt = 0;
  // Handshakes in a row that failed.
  #refused = 0;
  // Whether the server is known to take tokens as a subprotocol.
  #takesSubprotocols = false;
  // A step that awaited something compares its attempt with this one: a newer attempt voids it.
  #attempt = 0;

  /**
   * @param {Options} options
   * @param {Environment} environment
   * @param {{ frame: (text: string, direction: "in" | "out") => void,
   *           status: (status: Status) => void, error: (error: unknown) => void }} report
   */
  constructor(options, environment, report) {
    this.#options = options;
    this.#environment = environment;
    this.#report = report;
    this.#timers = new Timers(environment);
    this.#backoff = new Backoff({ ...options.retry, random: environment.random });
    this.heartbeat = new Heartbeat(options.heartbeat);
  }

  connect() {
    this.#drop();
    this.#report.status({ state: "connecting" });
    this.#timers.start("deadline", CONNECT_DEADLINE, () => this.#lost({ code: 1006, reason: "timeout" }));
    const fresh = this.#environment.now() < this.#freshUntil;
    if (this.#token && fresh) return this.#dial(this.#token);
    this.#renew(
      (token) => this.#dial(token),
      () => this.#lost({ code: 1006, reason: "no token" }),
    );
  }

  /**
   * Get a token from the app. What comes too late for its attempt changes nothing.
   * @param {(token: string) => void} use
   * @param {() => void} retry
   */
  async #renew(use, retry) {
    const attempt = this.#attempt;
    let token;
    try {
      token = await this.#options.getToken();
      if (token && !JWT.test(token)) throw new TypeError("What getToken gave is not a token (a JWT).");
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#report.error(error);
      return retry();
    }
    if (attempt !== this.#attempt) return;
    if (!token) return this.#stop({ reason: "signed out" });
    this.#token = token;
    this.#freshUntil = this.#environment.now() + refreshIn(token, this.#environment.now());
    use(token);
  }

  /** @param {string} token */
  #dial(token) {
    const { WebSocket } = this.#environment;
    try {
      if (!WebSocket) {
        throw new TypeError("There is no WebSocket here (Node.js 22 has one): give environment.WebSocket.");
      }
      const address = this.#address();
      if (this.#inAddress) address.search = `?token=${encodeURIComponent(token)}`;
      if (this.#inAddress && this.#inbox) address.search += "&events=inbox";
      this.#listen(new WebSocket(address.href, this.#inAddress ? undefined : this.#protocols(token)));
    } catch (error) {
      // Time heals none of these, so trying again is of no use.
      this.#report.error(error);
      this.#stop({ reason: "misconfigured" });
    }
  }

  get #inbox() {
    return this.#options.events === "inbox";
  }

  /** What we speak, the best first: a server of an earlier release takes the plain one. @param {string} token */
  #protocols(token) {
    return [...(this.#inbox ? [INBOX_SUBPROTOCOL] : []), SUBPROTOCOL, `bearer.${token}`];
  }

  /** @param {Socket} socket */
  #listen(socket) {
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      this.heartbeat.heard(this.#environment.now());
      this.#report.frame(data, "in");
    };
    socket.onclose = ({ code, reason }) => this.#lost({ code, reason });
    // A close event follows in browsers; outside, after a refused handshake, not everywhere.
    socket.onerror = () => this.#openedAt || this.#lost({ code: 1006, reason: "refused" });
  }

  #opened() {
    this.#openedAt = this.#environment.now();
    this.#takesSubprotocols ||= !this.#inAddress;
    this.#refused = 0;
    this.heartbeat.heard(this.#openedAt);
    this.#timers.stop("deadline");
    this.#beat();
    this.#planRefresh();
    this.#report.status({ state: "connected" });
  }

  /**
   * Addresses get into logs, so the token is a subprotocol. A server of an earlier release
   * refuses that, and a browser doesn't tell why: to an account, every other attempt brings
   * it in the address, until a server is known to be newer.
   */
  get #inAddress() {
    return this.#refused % 2 === 1 && !this.#takesSubprotocols && this.#options.user === undefined;
  }

  #address() {
    const { userId, user } = this.#options;
    if ((userId === undefined) === (user === undefined)) {
      throw new TypeError("Whose notifications? Give userId, or else user.");
    }
    const url = this.#options.url ?? this.#environment.origin;
    if (!/^(http|ws)s?:\/\//i.test(url)) {
      throw new TypeError(`url must begin with https:// or http://, and is ${JSON.stringify(url)}.`);
    }
    const base = new URL(url);
    base.protocol = base.protocol.replace("http", "ws");
    base.pathname = `${base.pathname.replace(/\/$/, "")}/ws/notifications/${userId ?? "me"}/`;
    base.search = "";
    return base;
  }

  get #open() {
    return this.#socket?.readyState === 1;
  }

  /** @param {Frame} frame */
  send(frame) {
    if (!this.#open) return;
    this.#socket?.send(JSON.stringify(frame));
    // A token is a key to the inbox: nobody who looks at frames needs it.
    const shown = frame.key === "refresh" ? { ...frame, value: "…" } : frame;
    this.#report.frame(JSON.stringify(shown), "out");
  }

  /** The network or the machine is back, or somebody looks: find out now, not by and by. */
  wake() {
    if (this.#open) {
      this.heartbeat.woken(this.#environment.now());
      this.#ping();
    } else if (this.#timers.has("retry")) {
      this.connect();
    } else if (this.#socket && this.#socket.readyState > 1) {
      // It died while this page was frozen, and nobody was told, or takes its time to close.
      this.#lost({ code: 1006, reason: "closed while asleep" });
    }
  }

  #ping() {
    this.heartbeat.asked(this.#environment.now());
    this.send({ type: "command", key: "ping" });
    this.#beat();
  }

  #beat() {
    this.#timers.start("heartbeat", this.heartbeat.due(this.#environment.now()), () => {
      const found = this.heartbeat.check(this.#environment.now());
      if (found === "ping") this.#ping();
      else if (found === "dead") this.#lost({ code: 1006, reason: "no answer" });
      else this.#beat();
    });
  }

  #planRefresh() {
    if (this.#freshUntil === Infinity) return;
    this.#timers.start("refresh", this.#freshUntil - this.#environment.now(), () => this.#refresh());
  }

  #refresh() {
    this.#renew(
      (token) => {
        this.send({ type: "command", key: "refresh", value: token });
        this.#planRefresh();
      },
      () => this.#timers.start("refresh", REFRESH_RETRY, () => this.#refresh()),
    );
  }

  /** @param {{ code: number, reason: string }} why */
  #lost({ code, reason }) {
    const { now, online } = this.#environment;
    const lasted = this.#openedAt ? now() - this.#openedAt : 0;
    // A refused handshake looks like any failure to a browser; a fresh token rules one cause out.
    if (!this.#openedAt || code === 4401) this.#token = null;
    this.#explain(code, reason);
    this.#drop();
    const next = verdict(code);
    if (next === "stop") return this.#stop({ code, reason: "revoked" });
    if (lasted >= STABLE_AFTER) this.#backoff.reset();
    const delay = this.#backoff.next(next);
    const state = online() ? "reconnecting" : "offline";
    this.#report.status({ state, retryAt: now() + delay, code, reason });
    this.#timers.start("retry", delay, () => this.connect());
  }

  /** Say what time alone may not heal. @param {number} code @param {string} reason */
  #explain(code, reason) {
    if (blamed(code)) this.#report.error(new Error(`The server refused what this client sent: ${reason || code}.`));
    if (this.#openedAt || !this.#socket || !this.#environment.online()) return;
    if (++this.#refused !== REFUSED_BEFORE_ERROR) return;
    // Browsers don't tell the status of a refused handshake.
    this.#report.error(
      new Error(
        "The server can't be reached or refuses each connection: the token does not hold (403), " +
          "or this user has too many connections (429).",
      ),
    );
  }

  /** @param {Omit<Status, "state">} why */
  #stop(why) {
    this.close();
    this.#report.status({ state: "closed", ...why });
  }

  close() {
    this.#drop();
    this.#token = null;
  }

  #drop() {
    this.#attempt++;
    this.#openedAt = 0;
    this.#timers.stopAll();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // The `ws` package throws what nobody listens to, such as being closed while it connects.
    socket.onerror = () => {};
    socket.close();
  }
}
