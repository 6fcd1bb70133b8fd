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

  /** The machine or the page is back: what was asked before tells nothing. @param {number} now */
  woken(now) {
    this.#asked = now;
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
