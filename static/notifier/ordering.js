/** @typedef {import("../notifier.d.ts").ServerNotification} ServerNotification */

/**
 * Drops what was seen before and puts back in order what overtook.
 *
 * One socket is in order by itself; tabs that change their leader are not. A gap
 * is legitimate too (another device acknowledged, or it expired), so it is waited
 * for only briefly, and what comes later still is passed on, never lost.
 */
export class Ordering {
  #remember;
  #seen = new Set();
  /** @type {ServerNotification[]} */
  #held = [];
  #last = 0;

  /** @param {number} [remember] how many keys */
  constructor(remember = 5_000) {
    this.#remember = remember;
  }

  /** @param {string} key */
  has(key) {
    return this.#seen.has(key);
  }

  get waiting() {
    return this.#held.length > 0;
  }

  /**
   * @param {ServerNotification} notification
   * @returns what may be passed on now, in order
   */
  accept(notification) {
    if (this.has(notification.key)) return [];
    this.#seen.add(notification.key);
    if (this.#seen.size > this.#remember) this.#seen.delete(this.#seen.values().next().value);
    const latest = this.#held.at(-1)?.seq ?? 0;
    this.#held.push(notification);
    if (notification.seq < latest) this.#held.sort((a, b) => a.seq - b.seq);
    return this.#take((seq) => this.#last === 0 || seq <= this.#last + 1);
  }

  /** It was taken back: it is not passed on if it waits here. @param {string} key */
  drop(key) {
    this.#held = this.#held.filter((notification) => notification.key !== key);
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
