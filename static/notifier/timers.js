/** @typedef {import("../notifier.d.ts").Environment} Environment */

// Browsers take a longer one for none at all.
const LONGEST = 2 ** 31 - 1;

/** Timers by name: one of a name at a time. */
export class Timers {
  #environment;
  /** @type {Map<string, unknown>} */
  #running = new Map();

  /** @param {Pick<Environment, "setTimeout" | "clearTimeout">} environment */
  constructor(environment) {
    this.#environment = environment;
  }

  /** @param {string} name */
  has(name) {
    return this.#running.has(name);
  }

  /** Instead of the one of that name. @param {string} name @param {number} delay @param {() => void} action */
  start(name, delay, action) {
    this.stop(name);
    const run = () => {
      this.#running.delete(name);
      action();
    };
    this.#running.set(name, this.#environment.setTimeout(run, Math.min(delay, LONGEST)));
  }

  /** @param {string} name */
  stop(name) {
    this.#environment.clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  stopAll() {
    for (const name of this.#running.keys()) this.stop(name);
  }
}
