/** The rows that the document holds, in their order; those that stay are not touched. */
import { make, showState } from "./row.js";
import { Seen } from "./seen.js";

/** @typedef {import("../../notifier/bell/screen/rows.js").Row} Row */
/** @typedef {import("./preferences.js").Preferences} Preferences */

export class Held {
  /** By the ids of rows. @type {Map<string, { element: HTMLElement, row: Row }>} */
  #rows = new Map();
  #seen;

  /**
   * @param {HTMLElement} place
   * @param {Preferences} preferences
   * @param {(keys: string[]) => Promise<boolean>} tellSeen
   * @param {(element: HTMLElement) => void} made
   */
  constructor(place, preferences, tellSeen, made) {
    this.place = place;
    this.preferences = preferences;
    this.made = made;
    this.#seen = new Seen(tellSeen);
  }

  /** The row that an element belongs to. @param {unknown} element @returns {Row | undefined} */
  of(element) {
    const entry = element instanceof Element ? /** @type {HTMLElement | null} */ (element.closest(".entry")) : null;
    return this.#rows.get(entry?.dataset.row ?? "")?.row;
  }

  /** As they follow each other on the screen. */
  get elements() {
    return [...this.place.children];
  }

  /** @param {string} id */
  has(id) {
    return this.#rows.has(id);
  }

  /** @param {string} id @returns {HTMLElement | undefined} */
  element(id) {
    return this.#rows.get(id)?.element;
  }

  /** Hold these and no others. @param {Row[]} wanted as they follow each other on the screen */
  hold(wanted) {
    const focused = this.of(document.activeElement);
    this.#remove(wanted);
    let next = this.place.firstElementChild;
    for (const row of wanted) {
      const element = this.#elementOf(row);
      if (element === next) next = next.nextElementSibling;
      else this.place.insertBefore(element, next);
    }
    if (focused && !this.of(document.activeElement)) this.#focus(focused.id);
  }

  /** Another one of its group took its place. @param {string} id */
  #focus(id) {
    const open = /** @type {HTMLElement | null | undefined} */ (this.element(id)?.querySelector(".entry-open"));
    open?.focus({ preventScroll: true });
  }

  /** Take out what is not wanted, and what now shows another notification. @param {Row[]} wanted */
  #remove(wanted) {
    const staying = new Map(wanted.map((row) => [row.id, row.items[0].key]));
    for (const [id, { element, row }] of this.#rows) {
      if (staying.get(id) === row.items[0].key) continue;
      this.#seen.forget(element);
      element.remove();
      this.#rows.delete(id);
    }
  }

  /** @param {Row} row */
  #elementOf(row) {
    const held = this.#rows.get(row.id);
    if (!held) return this.#make(row);
    const before = held.row;
    held.row = row;
    if (!alike(before, row)) this.#showState(held.element, row);
    return held.element;
  }

  /** @param {Row} row */
  #make(row) {
    const [exactTime, images] = ["exactTime", "images"].map((name) => this.preferences.get(name) === true);
    const element = make(row, { exactTime, images });
    element.dataset.row = row.id;
    this.#rows.set(row.id, { element, row });
    this.#showState(element, row);
    this.made(element);
    return element;
  }

  /** @param {HTMLElement} element @param {Row} row */
  #showState(element, row) {
    showState(element, row);
    this.#seen.forget(element);
    const unseen = row.items.filter(({ seenAt }) => !seenAt).map(({ key }) => key);
    if (unseen.length > 0) this.#seen.watch(element, unseen);
  }
}

/** Whether there is nothing to show anew. @param {Row} one @param {Row} other */
function alike(one, other) {
  if (one.group !== other.group || one.items.length !== other.items.length) return false;
  return one.items.every((item, index) => item === other.items[index]);
}
