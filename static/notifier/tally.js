/**
 * @typedef {import("../notifier.d.ts").InboxState} InboxState
 * @typedef {import("./frame.js").Frame} Frame
 */

/**
 * How many are unread, by what came over the line: what was told last, at a `seq`, and each
 * notification behind that one. So whoever counts it again counts nothing twice.
 */
export class Tally {
  /** @type {InboxState | null} */
  #told = null;
  /** Those behind what was told, and whether they are unseen. @type {Map<number, boolean>} */
  #come = new Map();

  /** Any frame with counts. @param {Omit<InboxState, "type">} frame */
  tell({ unread, unseen, seq, version }) {
    this.#told = { type: "inbox_state", unread, unseen, seq, version };
    for (const each of this.#come.keys()) if (each <= seq) this.#come.delete(each);
  }

  /** A notification has come. Those of low priority are born seen. @param {{ seq: number, priority: string }} one */
  add({ seq, priority }) {
    if (this.#told && seq > this.#told.seq) this.#come.set(seq, priority !== "low");
  }

  /** What was told last. */
  get told() {
    return this.#told;
  }

  /** Of those that came since, how many are behind a place. @param {number} seq */
  behind(seq) {
    let [unread, unseen] = [0, 0];
    for (const [each, unseenYet] of this.#come) {
      if (each <= seq) continue;
      unread++;
      if (unseenYet) unseen++;
    }
    return { unread, unseen };
  }

  /** As if it was told now; null before anything was. @returns {InboxState | null} */
  get state() {
    if (!this.#told) return null;
    const { unread, unseen } = this.behind(0);
    const told = this.#told;
    return {
      ...told,
      unread: told.unread + unread,
      unseen: told.unseen + unseen,
      seq: Math.max(told.seq, ...this.#come.keys()),
    };
  }
}
