/**
 * Notifier's client for browsers: one ES module, no dependencies.
 *
 *     policy          pure decisions: when to come back, what to drop, is the line alive
 *     Line            one WebSocket and its timers
 *     Tabs            which of a browser's tabs holds the Line for all of them
 *     NotifierClient  what an app uses: events and acknowledgements
 *
 * The server delivers at least once and in order, until a notification is
 * acknowledged. This client turns that into once per key and in order of `seq`.
 * The types, with all options and their units, are in notifier.d.ts.
 *
 * @typedef {import("./notifier.d.ts").Frame} Frame
 * @typedef {import("./notifier.d.ts").Status} Status
 * @typedef {import("./notifier.d.ts").Environment} Environment
 * @typedef {import("./notifier.d.ts").Options} Options
 * @typedef {import("./notifier.d.ts").Socket} Socket
 * @typedef {import("./notifier.d.ts").Verdict} Verdict
 * @typedef {import("./notifier.d.ts").ServerNotification} PublicNotification
 * @typedef {import("./notifier.d.ts").NotifierClient} PublicClient
 */

const STABLE_AFTER = 10_000;
const CONNECT_DEADLINE = 15_000;
const REFRESH_RETRY = 5_000;
const LEADER_SILENCE = 3_000;
const PATIENCE_WITH_GAPS = 100;
const LONGEST_TIMEOUT = 2 ** 31 - 1;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * What a close code tells us to do next.
 * @param {number} code
 * @returns {Verdict}
 */
export function verdict(code) {
  if (code === 4403) return "stop";
  if (code === 4401) return "renew";
  return code === 1001 || code === 1012 ? "soon" : "wait";
}

/**
 * Exponential back-off with full jitter: anything from 0 to a doubling window.
 *
 * A server that says "soon" has worked, so the failures before it are forgiven. What
 * doubles then is the window of moves in a row, for a server that keeps saying it.
 */
export class Backoff {
  #failures = 0;
  #moves = 0;

  constructor({ base = 1_000, cap = 30_000, random = Math.random } = {}) {
    this.base = base;
    this.cap = cap;
    this.random = random;
  }

  /** @param {Verdict} reason */
  next(reason) {
    if (reason === "soon") {
      this.#failures = 0;
      return this.#within(this.#moves++);
    }
    const failures = this.#failures++;
    if (reason === "renew" && failures === 0) return 0;
    return this.#within(failures + (reason === "wait" ? 1 : 0));
  }

  /** @param {number} doublings */
  #within(doublings) {
    return Math.round(this.random() * Math.min(this.cap, this.base * 2 ** doublings));
  }

  reset() {
    this.#failures = this.#moves = 0;
  }
}

/**
 * Drops what was seen before and puts back in order what overtook.
 *
 * One socket is in order by itself; tabs that change their leader are not. A gap
 * is legitimate too (another device acknowledged, or it expired), so it is waited
 * for only briefly, and what comes later still is passed on, never lost.
 */
export class Inbox {
  #seen = new Set();
  /** @type {PublicNotification[]} */
  #held = [];
  #last = 0;

  /** @param {number} [remember] how many keys */
  constructor(remember = 5_000) {
    this.remember = remember;
  }

  /** @param {string} key */
  has(key) {
    return this.#seen.has(key);
  }

  get waiting() {
    return this.#held.length > 0;
  }

  /**
   * @param {PublicNotification} notification
   * @returns what may be passed on now, in order
   */
  accept(notification) {
    if (this.has(notification.key)) return [];
    this.#seen.add(notification.key);
    if (this.#seen.size > this.remember) this.#seen.delete(this.#seen.values().next().value);
    const latest = this.#held.at(-1)?.seq ?? 0;
    this.#held.push(notification);
    if (notification.seq < latest) this.#held.sort((a, b) => a.seq - b.seq);
    return this.#take((seq) => this.#last === 0 || seq <= this.#last + 1);
  }

  /** Stop waiting for what is missing. */
  flush() {
    return this.#take(() => true);
  }

  /** @param {(seq: number) => boolean} inOrder */
  #take(inOrder) {
    const ready = [];
    for (const notification of this.#held) {
      if (!inOrder(notification.seq)) break;
      this.#last = Math.max(this.#last, notification.seq);
      ready.push(notification);
    }
    this.#held.splice(0, ready.length);
    return ready;
  }
}

/** Tells a quiet line from a dead one. All times in milliseconds. */
export class Heartbeat {
  #heard = 0;
  /** @type {number | null} */
  #asked = null;

  constructor({ interval = 25_000, timeout = 5_000 } = {}) {
    this.interval = interval;
    this.timeout = timeout;
  }

  /** @param {number} now */
  heard(now) {
    this.#heard = now;
    this.#asked = null;
  }

  /** @param {number} now */
  asked(now) {
    this.#asked ??= now;
  }

  /**
   * @param {number} now
   * @returns {"wait" | "ping" | "dead"}
   */
  check(now) {
    if (this.#asked === null) return now - this.#heard >= this.interval ? "ping" : "wait";
    const silence = now - this.#asked;
    if (silence < this.timeout) return "wait";
    // Far beyond the timeout, this machine slept: the answer may lie unread.
    if (silence > this.timeout + this.interval) {
      this.#asked = null;
      return "ping";
    }
    return "dead";
  }

  /** Milliseconds until `check` may say something new. @param {number} now */
  due(now) {
    const next = this.#asked === null ? this.#heard + this.interval : this.#asked + this.timeout;
    return Math.max(0, next - now);
  }
}

/**
 * The raw text of one member of a valid JSON object, because a value that went
 * through JSON.parse shows 1.10 as 1.1 and 12345678901234567890 as ...68000.
 * @param {string} text
 * @param {string} name
 */
export function rawMember(text, name) {
  let depth = 0;
  let start = 0;
  let key = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = stringEnd(text, at);
      if (depth === 1 && key === null) key = JSON.parse(text.slice(at, end));
      at = end - 1;
    } else if (char === ":" && depth === 1) {
      start = at + 1;
    } else if (char === "{" || char === "[") {
      depth++;
    } else if (char === "}" || char === "]" || char === ",") {
      if (depth === 1) {
        if (key === name) return text.slice(start, at).trim();
        key = null;
      }
      if (char !== ",") depth--;
    }
  }
  return undefined;
}

/** @param {string} text @param {number} open */
function stringEnd(text, open) {
  for (let at = open + 1; ; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
}

/**
 * Milliseconds until a JWT should be replaced: a margin before its expiry. A clock
 * that is wrong must not lead to a refresh loop, so where it contradicts the
 * token's own lifetime, the lifetime counts.
 * @param {string} token
 * @param {number} now Unix time in milliseconds
 */
export function refreshIn(token, now) {
  const { exp, iat } = claims(token);
  if (typeof exp !== "number") return Infinity;
  const left = exp * 1_000 - now;
  const lifetime = typeof iat === "number" ? (exp - iat) * 1_000 : left;
  const remaining = left > 0 && left < lifetime ? left : lifetime;
  return Math.max(0, remaining - Math.min(60_000, remaining / 5));
}

/** @param {string} token */
function claims(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

/**
 * One notification, as an app sees it.
 * @implements {PublicNotification}
 */
export class ServerNotification {
  #frame;
  #acknowledge;

  /**
   * @param {string} frame
   * @param {Frame} fields
   * @param {(key: string) => void} acknowledge
   */
  constructor(frame, fields, acknowledge) {
    this.#frame = frame;
    this.#acknowledge = acknowledge;
    this.key = fields.key ?? "";
    this.value = fields.value;
    this.seq = fields.seq ?? 0;
    this.createdAt = fields.created_at ? new Date(fields.created_at) : new Date();
  }

  /** The value's JSON text exactly as it was sent. */
  get raw() {
    return rawMember(this.#frame, "value") ?? "null";
  }

  ack() {
    this.#acknowledge(this.key);
  }
}

/** One WebSocket: connects, prolongs, checks and re-establishes itself until closed. */
class Line {
  /** @type {Socket | null} */
  #socket = null;
  /** @type {string | null} */
  #token = null;
  /** @type {Map<string, unknown>} */
  #timers = new Map();
  #freshUntil = 0;
  #openedAt = 0;
  // A step that awaited something compares its attempt with this one: a newer attempt voids it.
  #attempt = 0;

  /**
   * @param {Options} options
   * @param {Environment} environment
   * @param {{ frame: (text: string, direction: "in" | "out") => void,
   *           status: (status: Status) => void, error: (error: unknown) => void }} report
   */
  constructor(options, environment, report) {
    this.options = options;
    this.environment = environment;
    this.report = report;
    this.backoff = new Backoff({ ...options.retry, random: environment.random });
    this.heartbeat = new Heartbeat(options.heartbeat);
  }

  connect() {
    this.#drop();
    this.report.status({ state: "connecting" });
    this.#after("deadline", CONNECT_DEADLINE, () => this.#lost({ code: 1006, reason: "timeout" }));
    const fresh = this.environment.now() < this.#freshUntil;
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
      token = await this.options.getToken();
      if (token && !JWT.test(token)) throw new TypeError("What getToken gave is not a token (a JWT).");
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.report.error(error);
      return retry();
    }
    if (attempt !== this.#attempt) return;
    if (!token) return this.#stop({ reason: "signed out" });
    this.#token = token;
    this.#freshUntil = this.environment.now() + refreshIn(token, this.environment.now());
    use(token);
  }

  /** @param {string} token */
  #dial(token) {
    const { WebSocket } = this.environment;
    try {
      if (!WebSocket) {
        throw new TypeError("There is no WebSocket here (Node.js 22 has one): give environment.WebSocket.");
      }
      this.#listen(new WebSocket(this.#address(token)));
    } catch (error) {
      // Time heals none of these, so trying again is of no use.
      this.report.error(error);
      this.#stop({ reason: "misconfigured" });
    }
  }

  /** @param {Socket} socket */
  #listen(socket) {
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      this.heartbeat.heard(this.environment.now());
      this.report.frame(data, "in");
    };
    socket.onclose = ({ code, reason }) => this.#lost({ code, reason });
    // A close event follows in browsers; outside, after a refused handshake, not everywhere.
    socket.onerror = () => this.#openedAt || this.#lost({ code: 1006, reason: "refused" });
  }

  #opened() {
    this.#openedAt = this.environment.now();
    this.heartbeat.heard(this.#openedAt);
    this.#clear("deadline");
    this.#beat();
    this.#planRefresh();
    this.report.status({ state: "connected" });
  }

  /** @param {string} token */
  #address(token) {
    const url = this.options.url ?? this.environment.origin;
    if (!/^(http|ws)s?:\/\//i.test(url)) {
      throw new TypeError(`url must begin with https:// or http://, and is ${JSON.stringify(url)}.`);
    }
    const base = new URL(url);
    base.protocol = base.protocol.replace("http", "ws");
    base.pathname = `${base.pathname.replace(/\/$/, "")}/ws/notifications/${this.options.userId}/`;
    base.search = `?token=${encodeURIComponent(token)}`;
    return base.href;
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
    this.report.frame(JSON.stringify(shown), "out");
  }

  /** The network or the machine is back, or somebody looks: find out now, not by and by. */
  wake() {
    if (this.#open) this.#ping();
    else if (this.#timers.has("retry")) this.connect();
  }

  #ping() {
    this.heartbeat.asked(this.environment.now());
    this.send({ type: "command", key: "ping" });
    this.#beat();
  }

  #beat() {
    this.#after("heartbeat", this.heartbeat.due(this.environment.now()), () => {
      const found = this.heartbeat.check(this.environment.now());
      if (found === "ping") this.#ping();
      else if (found === "dead") this.#lost({ code: 1006, reason: "no answer" });
      else this.#beat();
    });
  }

  #planRefresh() {
    if (this.#freshUntil === Infinity) return;
    this.#after("refresh", this.#freshUntil - this.environment.now(), () => this.#refresh());
  }

  #refresh() {
    this.#renew(
      (token) => {
        this.send({ type: "command", key: "refresh", value: token });
        this.#planRefresh();
      },
      () => this.#after("refresh", REFRESH_RETRY, () => this.#refresh()),
    );
  }

  /** @param {{ code: number, reason: string }} why */
  #lost({ code, reason }) {
    const { now, online } = this.environment;
    const lasted = this.#openedAt ? now() - this.#openedAt : 0;
    // A refused handshake looks like any failure to a browser; a fresh token rules one cause out.
    if (!this.#openedAt || code === 4401) this.#token = null;
    this.#drop();
    const next = verdict(code);
    if (next === "stop") return this.#stop({ code, reason: "revoked" });
    if (lasted >= STABLE_AFTER) this.backoff.reset();
    const delay = this.backoff.next(next);
    const state = online() ? "reconnecting" : "offline";
    this.report.status({ state, retryAt: now() + delay, code, reason });
    this.#after("retry", delay, () => this.connect());
  }

  /** @param {Omit<Status, "state">} why */
  #stop(why) {
    this.close();
    this.report.status({ state: "closed", ...why });
  }

  close() {
    this.#drop();
    this.#token = null;
  }

  #drop() {
    this.#attempt++;
    this.#openedAt = 0;
    for (const name of this.#timers.keys()) this.#clear(name);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  /** @param {string} name @param {number} delay @param {() => void} action */
  #after(name, delay, action) {
    this.#clear(name);
    const run = () => {
      this.#timers.delete(name);
      action();
    };
    this.#timers.set(name, this.environment.setTimeout(run, Math.min(delay, LONGEST_TIMEOUT)));
  }

  /** @param {string} name */
  #clear(name) {
    this.environment.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/**
 * The tabs of one browser that show one inbox: whoever holds the lock leads.
 * Without locks or channels (an insecure origin, an old browser) every tab leads itself.
 */
class Tabs {
  #left = new AbortController();
  /** @type {BroadcastChannel | null} */
  #channel = null;
  #release = () => {};
  leading = false;

  /**
   * @param {string} name
   * @param {Environment} environment
   * @param {{ lead: () => void, follow: () => void, hear: (message: any) => void }} on
   */
  constructor(name, environment, on) {
    this.name = name;
    this.locks = environment.locks;
    this.on = on;
    if (!this.locks || !environment.BroadcastChannel) return;
    this.#channel = new environment.BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => on.hear(data);
  }

  join() {
    if (this.#channel) this.#request({ signal: this.#left.signal });
    else this.#lead();
  }

  /** Take over from a leader that doesn't answer: a frozen tab keeps its lock. */
  usurp() {
    this.#request({ steal: true });
  }

  /** @param {LockOptions} options */
  async #request(options) {
    try {
      await this.locks?.request(this.name, options, () => {
        if (this.#left.signal.aborted || this.leading) return undefined;
        this.#lead();
        return new Promise((resolve) => {
          this.#release = () => resolve(undefined);
        });
      });
    } catch (error) {
      if (this.#left.signal.aborted) return;
      if (!this.leading) return this.#lead();
      this.leading = false;
      this.on.follow();
      this.join();
    }
  }

  #lead() {
    this.leading = true;
    this.on.lead();
  }

  /** @param {object} message */
  tell(message) {
    this.#channel?.postMessage(message);
  }

  leave() {
    this.leading = false;
    this.#left.abort();
    this.#release();
    this.#channel?.close();
  }
}

/**
 * A user's notifications, as events: `notification`, `state`, `error`, and `frame`
 * for those who want to see the protocol.
 * @implements {PublicClient}
 */
export class NotifierClient extends EventTarget {
  #options;
  #environment;
  #inbox;
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
    this.#inbox = new Inbox(options.remember);
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
    const { url = origin, userId, shareTabs = true } = this.#options;
    this.#changed({ state: "connecting" });
    const environment = shareTabs ? this.#environment : { ...this.#environment, locks: undefined };
    this.#tabs = new Tabs(`notifier/1 ${url} ${userId}`, environment, {
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
    this.#deliver(this.#inbox.flush());
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
    if (this.#inbox.has(key)) {
      // Again, although acknowledged: the acknowledgement was lost on its way.
      if (this.leading && !this.#unacked.has(key)) this.ack(key);
      return;
    }
    this.#unacked.set(key, text);
    this.#deliver(this.#inbox.accept(new ServerNotification(text, fields, (key) => this.ack(key))));
    if (!this.#inbox.waiting) return;
    this.#gapTimer ??= this.#environment.setTimeout(() => {
      this.#gapTimer = undefined;
      this.#deliver(this.#inbox.flush());
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

/** The browser as this module sees it; tests put their own clock and socket here. */
function surroundings() {
  return {
    WebSocket: globalThis.WebSocket,
    BroadcastChannel: globalThis.document && globalThis.BroadcastChannel,
    locks: globalThis.navigator?.locks,
    origin: globalThis.location?.origin,
    online: () => globalThis.navigator?.onLine !== false,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (/** @type {() => void} */ action, /** @type {number} */ delay) =>
      globalThis.setTimeout(action, delay),
    clearTimeout: (/** @type {any} */ timer) => globalThis.clearTimeout(timer),
    onWake: listenForWake,
  };
}

/** @param {() => void} wake @returns {() => void} to stop listening */
function listenForWake(wake) {
  if (!globalThis.document) return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  for (const event of ["online", "offline", "pageshow"]) addEventListener(event, wake, { signal });
  const look = () => document.visibilityState === "visible" && wake();
  document.addEventListener("visibilitychange", look, { signal });
  return () => stop.abort();
}
