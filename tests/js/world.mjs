/** A world for the client in which time, sockets and tabs are moved by the test. */

export class Clock {
  now = 1_700_000_000_000;
  #timers = new Map();
  #next = 1;

  setTimeout(action, delay) {
    this.#timers.set(this.#next, { at: this.now + delay, action });
    return this.#next++;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  /** Let time pass, running what falls due in order, and promises in between. */
  async pass(milliseconds) {
    const end = this.now + milliseconds;
    await settle();
    for (;;) {
      const [timer, due] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!due || due.at > end) break;
      this.#timers.delete(timer);
      this.now = Math.max(this.now, due.at);
      due.action();
      await settle();
    }
    this.now = end;
  }

  /** A machine that sleeps: time passes, but nothing runs. */
  sleep(milliseconds) {
    this.now += milliseconds;
  }

  get idle() {
    return this.#timers.size === 0;
  }
}

export async function settle() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

class FakeSocket {
  readyState = 0;
  sent = [];

  constructor(url, protocols = []) {
    this.url = url;
    this.protocols = protocols;
  }

  /** The token that it brings, wherever. */
  get token() {
    const { searchParams } = new URL(this.url);
    return searchParams.get("token") ?? this.protocols.at(-1)?.replace(/^bearer\./, "");
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  // What the server does:
  accept() {
    this.readyState = 1;
    this.onopen();
  }

  give(frame) {
    this.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** One Web Lock, as far as an election needs it. */
class FakeLock {
  #holder = null;
  #queue = [];

  request({ steal = false, signal }, callback) {
    return new Promise((resolve, reject) => {
      const request = { callback, resolve, reject };
      signal?.addEventListener("abort", () => {
        this.#queue = this.#queue.filter((other) => other !== request);
        if (this.#holder !== request) reject(new DOMException("aborted", "AbortError"));
      });
      if (steal) {
        this.#holder?.reject(new DOMException("stolen", "AbortError"));
        this.#holder = null;
        this.#queue.unshift(request);
      } else {
        this.#queue.push(request);
      }
      this.#grant();
    });
  }

  #grant() {
    if (this.#holder || !this.#queue.length) return;
    const request = this.#queue.shift();
    this.#holder = request;
    Promise.resolve()
      .then(() => request.callback({}))
      .then((result) => {
        request.resolve(result);
        if (this.#holder !== request) return;
        this.#holder = null;
        this.#grant();
      });
  }
}

class FakeLocks {
  #locks = new Map();

  request(name, options, callback) {
    if (!this.#locks.has(name)) this.#locks.set(name, new FakeLock());
    return this.#locks.get(name).request(options, callback);
  }
}

/** One browser: its tabs share locks, channels, clock and the list of opened sockets. */
export class World {
  clock = new Clock();
  sockets = [];
  online = true;
  random = 1;
  #locks = new FakeLocks();
  #channels = new Set();

  /** The surroundings of one tab. */
  tab({ alone = false } = {}) {
    const { clock } = this;
    const world = this;
    const tab = {
      frozen: false,
      origin: "https://notify.example",
      online: () => world.online,
      now: () => clock.now,
      random: () => world.random,
      setTimeout: (action, delay) => clock.setTimeout(action, delay),
      clearTimeout: (timer) => clock.clearTimeout(timer),
      onWake: (wake) => {
        tab.wake = wake;
        return () => {
          tab.wake = null;
        };
      },
      WebSocket: class extends FakeSocket {
        constructor(url, protocols) {
          super(url, protocols);
          world.sockets.push(this);
        }
      },
      locks: alone ? undefined : this.#locks,
      BroadcastChannel: class {
        constructor(name) {
          this.name = name;
          world.#channels.add(this);
        }

        postMessage(data) {
          if (tab.frozen) return;
          for (const other of world.#channels) {
            if (other === this || other.name !== this.name) continue;
            queueMicrotask(() => !other.tab.frozen && other.onmessage?.({ data }));
          }
        }

        close() {
          world.#channels.delete(this);
        }

        get tab() {
          return tab;
        }
      },
    };
    return tab;
  }

  get socket() {
    return this.sockets.at(-1);
  }
}

/** An unsigned JWT that lives for `seconds` from `now`. */
export function jwt(now, seconds) {
  const iat = Math.floor(now / 1_000);
  const body = { iat, exp: iat + seconds };
  return `h.${Buffer.from(JSON.stringify(body)).toString("base64url")}.s`;
}

export function frame(seq, value = { n: seq }, key = `k${seq}`) {
  const created_at = new Date(1_700_000_000_000 + seq).toISOString();
  return { type: "server_notification", key, value, seq, created_at };
}
