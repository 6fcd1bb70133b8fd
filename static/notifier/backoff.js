/**
 * When to come back to a server.
 *
 * @typedef {"stop" | "renew" | "soon" | "wait"} Verdict
 */

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

/** Whether the server ended the connection because of what this client has sent. @param {number} code */
export function blamed(code) {
  return [1002, 1007, 1008, 1009].includes(code);
}

/**
 * Exponential back-off with full jitter: anything from 0 to a doubling window.
 *
 * A server that says "soon" has worked, so the failures before it are forgiven. What
 * doubles then is the window of moves in a row, for a server that keeps saying it.
 */
export class Backoff {
  #base;
  #cap;
  #random;
  #failures = 0;
  #moves = 0;

  constructor({ base = 1_000, cap = 30_000, random = Math.random } = {}) {
    this.#base = base;
    this.#cap = cap;
    this.#random = random;
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
    return Math.round(this.#random() * Math.min(this.#cap, this.#base * 2 ** doublings));
  }

  reset() {
    this.#failures = this.#moves = 0;
  }
}
