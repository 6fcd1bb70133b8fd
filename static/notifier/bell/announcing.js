const PATIENCE = 1_000;

/** Tells screen readers what has come, when they have finished what they say; many are one sentence. */
export class Announcer {
  #region;
  #words;
  /** @type {string[]} */
  #titles = [];

  /** @param {() => HTMLElement} region where it is heard now @param {Pick<import("./words.js").Words, "announced" | "announcedMany">} words */
  constructor(region, words) {
    this.#region = region;
    this.#words = words;
  }

  /** @param {string} title */
  announce(title) {
    if (this.#titles.push(title) === 1) setTimeout(() => this.#say(), PATIENCE);
  }

  #say() {
    const [first, ...more] = this.#titles;
    this.#titles = [];
    const { announced, announcedMany } = this.#words;
    this.#region().textContent = more.length ? announcedMany(more.length + 1) : announced(first);
  }
}
