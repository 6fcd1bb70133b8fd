/**
 * A list of any length, of which the document holds what is on the screen and a little more.
 *
 * What is being read stays where it is: whatever changes above it, the scroll position is
 * corrected by the same height. One row at a time is in the order of Tab; arrows go to the others.
 */
import { make } from "../dom.js";
import { Heights } from "./heights.js";
import { looks, renderRow } from "./row.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ element: HTMLLIElement, look: string, row: Row }} Rendered
 */

const OVERSCAN = 400;
const NEAR_END = 800;
/** What Tab reaches in a row. */
const STOPS = "article, a[href], button";

export class List {
  #rendering;
  #moved;
  #pressed;
  #resized;
  #heights = new Heights();
  /** @type {Row[]} */
  #rows = [];
  /** What the document holds, by the ids of rows. @type {Map<string, Rendered>} */
  #rendered = new Map();
  #from = 0;
  #to = 0;
  /** Where the keyboard is: a row's id. */
  #current = "";
  #planned = 0;

  /**
   * @param {import("./row.js").Rendering} rendering
   * @param {{ moved: () => void, pressed: (event: KeyboardEvent, row: Row) => void, label: string }} listener
   */
  constructor(rendering, { moved, pressed, label }) {
    this.#rendering = rendering;
    this.#moved = moved;
    this.#pressed = pressed;
    this.list = make("ul", { part: "list", role: "list", "aria-label": label, tabindex: -1 });
    this.element = make("div", { part: "scroll" }, this.list);
    this.element.addEventListener("scroll", () => this.#plan(), { passive: true });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("focusin", (event) => this.#follow(event));
    this.#resized = new ResizeObserver(() => this.#plan());
    this.#resized.observe(this.element);
  }

  /** Whether older ones are wanted. */
  get atEnd() {
    const { scrollTop, clientHeight } = this.element;
    return clientHeight > 0 && scrollTop + clientHeight + NEAR_END > this.#heights.total;
  }

  get atTop() {
    return this.element.scrollTop < 8;
  }

  /** The rows that are on the screen, at least in part. */
  get visible() {
    const { scrollTop, clientHeight } = this.element;
    if (clientHeight === 0 || this.#rows.length === 0) return [];
    return this.#rows.slice(this.#heights.at(scrollTop), this.#heights.at(scrollTop + clientHeight) + 1);
  }

  /** @param {Row[]} rows */
  show(rows) {
    const anchor = this.#anchor();
    this.#rows = rows;
    this.#heights.arrange(rows);
    this.#keep(anchor);
    this.#render();
  }

  toTop() {
    this.element.scrollTop = 0;
    this.#render();
  }

  /** Write times anew. @param {import("./time.js").Times} times */
  tick(times) {
    for (const time of this.list.querySelectorAll("time")) time.textContent = times.ago(new Date(time.dateTime));
  }

  close() {
    this.#resized.disconnect();
    cancelAnimationFrame(this.#planned);
  }

  /** Go to the row where the keyboard was last, or to the first. */
  focus() {
    const index = this.#rows.findIndex(({ id }) => id === this.#current);
    if (this.#rows.length) this.#focusRow(Math.max(0, index));
  }

  #plan() {
    this.#planned ||= requestAnimationFrame(() => {
      this.#planned = 0;
      this.#render();
      this.#moved();
    });
  }

  /** The first row on the screen, and how far above the edge it begins. */
  #anchor() {
    const { scrollTop } = this.element;
    if (scrollTop === 0 || this.#rows.length === 0) return null;
    const index = this.#heights.at(scrollTop);
    return { id: this.#rows[index].id, hidden: scrollTop - this.#heights.top(index) };
  }

  /** Put the same row at the same place again. @param {{ id: string, hidden: number } | null} anchor */
  #keep(anchor) {
    if (!anchor) return;
    const index = this.#rows.findIndex(({ id }) => id === anchor.id);
    if (index < 0) return;
    this.#space();
    this.element.scrollTop = this.#heights.top(index) + anchor.hidden;
  }

  /** Bring the document to what is on the screen. */
  #render() {
    const { scrollTop, clientHeight } = this.element;
    const some = this.#rows.length > 0 && clientHeight > 0;
    this.#from = some ? this.#heights.at(scrollTop - OVERSCAN) : 0;
    this.#to = some ? this.#heights.at(scrollTop + clientHeight + OVERSCAN) + 1 : 0;
    const held = this.#focused();
    this.#exchange();
    this.#measure();
    this.#rove();
    this.#refocus(held);
  }

  #exchange() {
    const before = this.#rendered;
    this.#rendered = new Map();
    for (const row of this.#rows.slice(this.#from, this.#to)) {
      const look = looks(row);
      const there = before.get(row.id);
      const fits = there?.look === look;
      this.#rendered.set(row.id, {
        element: there && fits ? there.element : renderRow(row, this.#rendering),
        look,
        row,
      });
    }
    this.#arrange([...this.#rendered.values()].map(({ element }) => element));
  }

  /** Move no element that is in its place: a moved one loses the focus. @param {HTMLLIElement[]} elements */
  #arrange(elements) {
    const wanted = new Set(elements);
    for (const child of [...this.list.children]) {
      if (!wanted.has(/** @type {HTMLLIElement} */ (child))) child.remove();
    }
    elements.forEach((element, index) => {
      const there = this.list.children[index];
      if (there !== element) this.list.insertBefore(element, there ?? null);
    });
  }

  /** Learn how high the rows are that the document holds; what is read stays. */
  #measure() {
    const anchor = this.#anchor();
    this.#space();
    const measured = [...this.#rendered].map(([id, { element }], index) => ({
      id,
      index: this.#from + index,
      height: element.getBoundingClientRect().height,
    }));
    this.#heights.learn(measured.filter(({ height }) => height > 0));
    this.#space();
    this.#keep(anchor);
  }

  /** Room for what the document doesn't hold. */
  #space() {
    const { total } = this.#heights;
    this.list.style.paddingBlockStart = `${this.#heights.top(this.#from)}px`;
    this.list.style.paddingBlockEnd = `${total - this.#heights.top(this.#to)}px`;
  }

  /** What of which row has the focus. */
  #focused() {
    const root = /** @type {ShadowRoot} */ (this.list.getRootNode());
    const active = root.activeElement;
    if (!active || !this.list.contains(active) || active === this.list) return null;
    for (const [id, { element }] of this.#rendered) {
      const stop = [...element.querySelectorAll(STOPS)].indexOf(active);
      if (stop >= 0) return { id, stop, active };
    }
    return null;
  }

  /** Where the row was made anew, or went off the screen. @param {{ id: string, stop: number, active: Element } | null} held */
  #refocus(held) {
    if (!held || held.active.isConnected) return;
    const stops = this.#rendered.get(held.id)?.element.querySelectorAll(STOPS);
    const stop = /** @type {HTMLElement | undefined} */ (stops?.[held.stop] ?? stops?.[0]);
    if (stop) stop.focus({ preventScroll: true });
    else if (this.#rows.some(({ id }) => id === held.id)) this.list.focus({ preventScroll: true });
    else this.#focusNeighbour();
  }

  /** The row is gone: go on with what took its place. */
  #focusNeighbour() {
    const index = Math.min(this.#lastIndex, this.#rows.length - 1);
    if (index >= 0) this.#focusRow(index);
    else this.list.focus({ preventScroll: true });
  }

  #lastIndex = 0;

  /** @param {FocusEvent} event */
  #follow({ target }) {
    for (const [id, { element }] of this.#rendered) {
      if (!element.contains(/** @type {Node} */ (target))) continue;
      this.#current = id;
      this.#lastIndex = this.#rows.findIndex((row) => row.id === id);
    }
    this.#rove();
  }

  /** Tab reaches the controls of one row. */
  #rove() {
    const current = this.#rendered.has(this.#current) ? this.#current : this.#rendered.keys().next().value;
    for (const [id, { element }] of this.#rendered) {
      const tabIndex = id === current ? 0 : -1;
      for (const stop of element.querySelectorAll(STOPS)) /** @type {HTMLElement} */ (stop).tabIndex = tabIndex;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#rows.length === 0) return;
    const index = this.#rows.findIndex(({ id }) => id === this.#current);
    const last = this.#rows.length - 1;
    const targets = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last };
    const target = targets[/** @type {keyof typeof targets} */ (event.key)];
    if (target !== undefined) {
      event.preventDefault();
      this.#focusRow(Math.min(last, Math.max(0, target)));
    } else if (index >= 0) {
      this.#pressed(event, this.#rows[index]);
    }
  }

  /** @param {number} index */
  #focusRow(index) {
    this.#current = this.#rows[index].id;
    this.#lastIndex = index;
    this.#reveal(index);
    const article = this.#rendered.get(this.#current)?.element.querySelector("article");
    article?.focus({ preventScroll: true });
  }

  /** @param {number} index */
  #reveal(index) {
    const { scrollTop, clientHeight } = this.element;
    const [top, bottom] = [this.#heights.top(index), this.#heights.top(index + 1)];
    if (top < scrollTop) this.element.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
    this.#render();
    this.#plan();
  }

  /** The element of a row, where it is on the screen. @param {Row} row */
  elementOf(row) {
    return this.#rendered.get(row.id)?.element ?? null;
  }
}
