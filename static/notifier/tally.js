/**
 * @typedef {import("../notifier.d.ts").InboxState} InboxState
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
  /** @type {InboxState | null} */
  #state = null;

  /** Any frame with counts. @param {Omit<InboxState, "type">} frame */
  tell({ unread, unseen, seq, version }) {
    this.#told = { type: "inbox_state", unread, unseen, seq, version };
    this.#state = { ...this.#told };
    const come = this.#come;
    this.#come = new Map();
    for (const [each, isUnseen] of come) this.#count(each, isUnseen);
  }

  /** A notification has come. Those of low priority are born seen. @param {{ seq: number, priority: string }} one */
  add({ seq, priority }) {
    this.#count(seq, priority !== "low");
  }

  /** @param {number} seq @param {boolean} isUnseen */
  #count(seq, isUnseen) {
    if (!this.#told || !this.#state || seq <= this.#told.seq || this.#come.has(seq)) return;
    this.#come.set(seq, isUnseen);
    this.#state.unread++;
    if (isUnseen) this.#state.unseen++;
    this.#state.seq = Math.max(this.#state.seq, seq);
  }

  /** What was told last. */
  get told() {
    return this.#told;
  }

  /** Of those that came since, how many are behind a place. @param {number} seq */
  behind(seq) {
    const come = [...this.#come].filter(([each]) => each > seq);
    return { unread: come.length, unseen: come.filter(([, isUnseen]) => isUnseen).length };
  }

  /** As if it was told now; null before anything was. @returns {InboxState | null} */
  get state() {
    return this.#state && { ...this.#state };
  }
}
