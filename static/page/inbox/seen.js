/** What was on the screen while somebody could see it: the inbox is told, by and by. */

/** @typedef {import("../../notifier-inbox.js").Inbox} Inbox */

const PAUSE = 300;
const MOST = 100;
const LONG_PAUSE = 5_000;

export class Seen {
  /** @type {Map<Element, string[]>} rows of what nobody has seen yet, and its keys */
  #waiting = new Map();
  /** @type {Set<Element>} */
  #inView = new Set();
  #timer = 0;
  #pause = PAUSE;
  #observer = new IntersectionObserver((entries) => this.#look(entries));

  /** @param {(keys: string[]) => Promise<boolean>} tell whether it was taken; it is told of again if not */
  constructor(tell) {
    this.tell = tell;
    document.addEventListener("visibilitychange", () => this.#soon());
  }

  /** @param {Element} row @param {string[]} keys of what it stands for, and nobody has seen */
  watch(row, keys) {
    this.#waiting.set(row, keys);
    this.#observer.observe(row);
  }

  /** @param {Element} row that is no more, or whose notification was seen */
  forget(row) {
    if (!this.#waiting.delete(row)) return;
    this.#inView.delete(row);
    this.#observer.unobserve(row);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #look(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#inView.add(target);
      else this.#inView.delete(target);
    }
    this.#soon();
  }

  /** What comes into view in a burst is told of once. */
  #soon() {
    clearTimeout(this.#timer);
    if (this.#inView.size > 0) this.#timer = window.setTimeout(() => this.#flush(), this.#pause);
  }

  async #flush() {
    if (document.hidden) return;
    const rows = [...this.#inView].slice(0, MOST);
    const keys = rows.flatMap((row) => this.#waiting.get(row) ?? []);
    for (const row of rows) this.forget(row);
    this.#soon();
    if (keys.length > 0) this.#pause = (await this.tell(keys)) ? PAUSE : LONG_PAUSE;
    this.#soon();
  }
}
