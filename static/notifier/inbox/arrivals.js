/** @typedef {import("./item.js").Item} Item */

const MOST_AHEAD = 1_000;

/**
 * Up to which place all that has come is accounted for, and what has come behind a gap, or
 * before the first page.
 */
export class Arrivals {
  /** Null before the first page. @type {number | null} */
  knownTo = null;
  /** By place; null where one was withdrawn meanwhile. @type {{ seq: number, item: Item | null }[]} */
  #ahead = [];

  /** Whether something is missing before those that have come. */
  get gap() {
    return this.knownTo !== null && this.#ahead.length > 0;
  }

  /** @param {Item} item */
  add(item) {
    const { seq } = item;
    if (this.knownTo !== null && seq <= this.knownTo) return;
    const last = this.#ahead.at(-1)?.seq ?? 0;
    if (this.#ahead.some((other) => other.seq === seq)) return;
    this.#ahead.push({ seq, item });
    if (seq < last) this.#ahead.sort((a, b) => a.seq - b.seq);
    // A gap is closed from the server, however wide it is.
    if (this.#ahead.length > MOST_AHEAD) this.#ahead.shift();
  }

  /** The server has shown all up to there. @param {number} seq */
  reach(seq) {
    this.knownTo = Math.max(this.knownTo ?? 0, seq);
    this.#ahead = this.#ahead.filter((each) => each.seq > seq);
  }

  /** Those that can be shown, also behind a gap; what is in sequence is accounted for by that. */
  take() {
    if (this.knownTo === null) return [];
    const items = this.items;
    while (this.#ahead[0]?.seq === this.knownTo + 1) {
      this.#ahead.shift();
      this.knownTo++;
    }
    return items;
  }

  /** @param {Item} item */
  replace(item) {
    const found = this.#ahead.find(({ seq }) => seq === item.seq);
    if (found?.item) found.item = item;
  }

  /** Its place stays accounted for. @param {Item} item */
  remove(item) {
    const found = this.#ahead.find(({ seq }) => seq === item.seq);
    if (found) found.item = null;
  }

  get items() {
    return this.#ahead.map(({ item }) => item).filter((item) => item !== null);
  }
}
