/** @typedef {import("../notifier.d.ts").Environment} Environment */

/**
 * The tabs of one browser that show one inbox: whoever holds the lock leads.
 * Without locks or channels (an insecure origin, an old browser) every tab leads itself.
 */
export class Tabs {
  #name;
  #locks;
  #on;
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
    this.#name = name;
    this.#locks = environment.locks;
    this.#on = on;
    if (!this.#locks || !environment.BroadcastChannel) return;
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
      await this.#locks?.request(this.#name, options, () => {
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
      this.#on.follow();
      this.join();
    }
  }

  #lead() {
    this.leading = true;
    this.#on.lead();
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
