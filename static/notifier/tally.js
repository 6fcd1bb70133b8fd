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

  /** Those that came behind what was told. */
  get come() {
    return this.#come;
  }

  /** As if it was told now; null before anything was. @returns {InboxState | null} */
  get state() {
    if (!this.#told) return null;
    const state = { ...this.#told };
    for (const [seq, unseen] of this.#come) {
      state.unread++;
      if (unseen) state.unseen++;
      state.seq = Math.max(state.seq, seq);
    }
    return state;
  }
}
