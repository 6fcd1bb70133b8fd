import { Arrivals } from "./arrivals.js";
import { List } from "./list.js";

/**
 * @typedef {import("../../notifier-inbox.d.ts").View} PublicView
 * @typedef {import("./filter.js").Filter} Filter
 * @typedef {import("./item.js").Item} Item
 * @typedef {{ items: Item[], before: number | null, seq: number, version: number, askedAt: number }} Page
 *
 * @typedef {object} Source
 * @property {(filter: Filter, before: number | null, limit: number) => Promise<Page>} page
 * @property {(items: Item[]) => Item[]} current as they stand now: much may happen between an answer and its use
 * @property {(item: Item, page: Page) => boolean} later whether it is known later than that page was read
 * @property {() => number} now
 * @property {() => void} forgetSome it has loaded what was to be loaded
 * @property {(view: View) => void} closed
 * @property {(error: unknown) => void} failed
 */

const PAGE = 50;
const LARGE_PAGE = 100;
const MOST_FRESH = 1_000;
const NONE = { count: 0, upTo: 0 };

/**
 * A list that stays put. What arrives behind a gap is counted, and the gap closed by a refresh.
 * @implements {PublicView}
 */
export class View extends EventTarget {
  #source;
  #list = new List();
  #arrivals = new Arrivals();
  /** By their places. @type {Map<number, Item>} */
  #fresh = new Map();
  /** How many have come that are not held here, because they are too many, and up to which place. */
  #flooded = NONE;
  /** The cursor behind the last page; 0 if there is nothing. */
  #floor = 0;
  /** One thing after the other. @type {Promise<void>} */
  #queue = Promise.resolve();
  #jobs = 0;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** A refresh that is to be made; whether what is known may be trusted. @type {{ trusted: boolean } | null} */
  #due = null;
  #refreshing = false;
  #announced = false;
  #closed = false;
  more = true;
  /** @type {PublicView["state"]} */
  state = "loading";
  /** @type {Error | null} */
  error = null;

  /** @param {Filter} filter @param {Source} source */
  constructor(filter, source) {
    super();
    this.filter = filter;
    this.#source = source;
  }

  get items() {
    return this.#list.items;
  }

  get fresh() {
    return this.#fresh.size + this.#flooded.count;
  }

  /** The place up to which all was shown that is to be shown; null before the first page. */
  get shownTo() {
    const { newest } = this.#list;
    if (this.#arrivals.knownTo === null || this.#flooded.count) return newest || null;
    const behind = [...this.#fresh.keys()].filter((seq) => seq > newest);
    return Math.min(this.#arrivals.knownTo, ...behind.map((seq) => seq - 1));
  }

  /** All items that it holds. */
  *held() {
    yield* this.items;
    yield* this.#fresh.values();
    yield* this.#arrivals.items;
  }

  /** @param {Item} item */
  fits(item) {
    return this.filter.fits(item, this.#source.now());
  }

  load() {
    this.#loading ??= this.#work(() => (this.#arrivals.knownTo === null ? this.#first() : this.#older())).finally(
      () => {
        this.#loading = null;
      },
    );
    return this.#loading;
  }

  reload() {
    return this.#work(() => this.#first());
  }

  /** @param {() => Promise<void>} load */
  #work(load) {
    this.state = "loading";
    this.error = null;
    this.#changed();
    const done = () => {
      this.state = "ready";
    };
    const failed = (/** @type {Error} */ error) => {
      this.state = "failed";
      this.error = error;
    };
    return this.#enter(() => load().then(done, failed)).then(() => this.#changed());
  }

  /** @param {() => Promise<void>} job that never fails */
  #enter(job) {
    this.#jobs++;
    this.#queue = this.#queue.then(job).then(() => {
      this.#jobs--;
      this.#source.forgetSome();
    });
    return this.#queue;
  }

  /** Whether it is about to hold something else. */
  get busy() {
    return this.#jobs > 0;
  }

  async #first() {
    const page = await this.#source.page(this.filter, null, PAGE);
    // What changed while the page was on its way may belong here, and not be in it.
    const late = this.items.filter((item) => this.fits(item) && this.#unknownTo(page, item));
    const floor = page.before ?? 0;
    this.#list.become(this.#source.current(page.items));
    this.#list.insert(late.filter((item) => item.seq >= floor && !this.#list.has(item)));
    this.#flooded = NONE;
    this.#keepFresh(page);
    this.#continueBehind(page.before);
    this.#reach(page.seq);
  }

  /** Of those that have come, only what a page did not know yet. @param {Page} page */
  #keepFresh(page) {
    for (const [place, item] of this.#fresh) {
      if (!this.#unknownTo(page, item) || this.#list.has(item)) this.#fresh.delete(place);
    }
  }

  /** Whether a page was read before one came, or came to stand as it does. @param {Page} page @param {Item} item */
  #unknownTo(page, item) {
    return item.seq > page.seq || this.#source.later(item, page);
  }

  async #older() {
    if (!this.more) return;
    const page = await this.#source.page(this.filter, this.#floor, PAGE);
    this.items.push(...this.#source.current(page.items));
    this.#continueBehind(page.before);
  }

  /** @param {number | null} before */
  #continueBehind(before) {
    this.#floor = before ?? 0;
    this.more = before !== null;
    // What lies deeper comes with its page.
    for (const place of this.#fresh.keys()) if (place < this.#floor) this.#fresh.delete(place);
  }

  showFresh() {
    if (this.#flooded.count) return void this.reload();
    this.#list.insert(this.#fresh.values());
    this.#fresh.clear();
    this.#changed();
  }

  close() {
    this.#closed = true;
    this.#source.closed(this);
  }

  /** One has come. @param {Item} item */
  arrived(item) {
    this.#arrivals.add(item);
    this.#take();
  }

  /** The server has shown all up to there. @param {number} seq */
  #reach(seq) {
    this.#arrivals.reach(seq);
    this.#take();
  }

  #take() {
    for (const item of this.#arrivals.take()) this.#offer(item);
    if (this.#arrivals.gap) this.refresh({ trusted: true });
  }

  /** The log goes up to there. @param {number} seq */
  extendsTo(seq) {
    if (this.#due) this.refresh(this.#due);
    else if (seq > (this.#arrivals.knownTo ?? Infinity)) this.refresh({ trusted: true });
  }

  /** One that is known stands otherwise now. @param {Item} item @param {{ sure: boolean }} how */
  update(item, { sure }) {
    this.#arrivals.replace(item);
    if (!this.#list.replace(item)) {
      if (!this.#fresh.has(item.seq)) return void (sure && this.#offer(item));
      if (this.fits(item)) this.#fresh.set(item.seq, item);
      else this.#fresh.delete(item.seq);
    }
    this.#changed();
  }

  /** One is gone. @param {Item} item */
  remove(item) {
    this.#arrivals.remove(item);
    const shown = this.#list.remove(item);
    if (this.#fresh.delete(item.seq) || shown) this.#changed();
  }

  /** Show one, or count it, if it belongs between those that are loaded. @param {Item} item */
  #offer(item) {
    if (this.#arrivals.knownTo === null || item.seq < this.#floor) return;
    if (!this.fits(item) || this.#list.has(item)) return;
    if (item.seq > this.#list.newest && item.seq <= this.#flooded.upTo) return;
    if (this.items.length || this.#flooded.count) this.#fresh.set(item.seq, item);
    else this.items.push(item);
    if (this.#fresh.size > MOST_FRESH) this.#flood(Math.max(...this.#fresh.keys(), this.#flooded.upTo));
    this.#changed();
  }

  /** Of those that have come up to there, only the number is kept. @param {number} upTo @param {number} [least] */
  #flood(upTo, least = 0) {
    const { fresh } = this;
    for (const place of this.#fresh.keys()) if (place <= upTo) this.#fresh.delete(place);
    this.#flooded = { count: Math.max(least, fresh - this.#fresh.size), upTo };
  }

  /** Whether something may come in that is not known, now that it stands like this. @param {import("./item.js").Marks} marks */
  mayGain(marks) {
    return this.filter.admits(marks, this.#source.now()) && (this.filter.narrow || !this.more);
  }

  /**
   * Something is missing here, or not `trusted`: look again at all that is loaded, and leave
   * on the screen what is there. If that fails, it is tried when the log is heard of again.
   * @param {{ trusted: boolean }} how
   */
  refresh({ trusted }) {
    this.#due = { trusted: trusted && (this.#due?.trusted ?? true) };
    if (this.#refreshing) return;
    this.#refreshing = true;
    this.#enter(() => this.#refreshWhileDue());
  }

  async #refreshWhileDue() {
    let due;
    try {
      while ((due = this.#due) && this.#arrivals.knownTo !== null && !this.#closed) {
        this.#due = null;
        await this.#refresh(due);
      }
    } catch (error) {
      this.#due = due ?? null;
      this.#source.failed(error);
    }
    this.#refreshing = false;
  }

  /** @param {{ trusted: boolean }} how */
  async #refresh({ trusted }) {
    const first = await this.#source.page(this.filter, null, LARGE_PAGE);
    const items = [...first.items];
    let next = first.before;
    while (next !== null && next > this.#floor && items.length < MOST_FRESH) {
      const page = await this.#source.page(this.filter, next, LARGE_PAGE);
      items.push(...page.items);
      next = page.before;
    }
    const { newest } = this.#list;
    if (newest && next !== null && next > newest) this.#flood(first.seq, items.length);
    else this.#merge({ ...first, items: this.#source.current(items), before: next }, trusted);
    this.#reach(first.seq);
    this.#changed();
  }

  /**
   * What is shown stays, with those that come below it; what comes above, or between, is fresh.
   * What should be listed and is not is known wrongly.
   * @param {Page} page @param {boolean} trusted
   */
  #merge(page, trusted) {
    const reached = page.before ?? 0;
    const there = new Set(page.items.map((item) => item.seq));
    const bottom = this.items.length ? this.#floor : Infinity;
    const stays = (/** @type {Item} */ item) => {
      if (item.seq < reached) return trusted;
      return there.has(item.seq) || this.#unknownTo(page, item) || !this.fits(item);
    };
    const deeper = trusted && this.items.some((item) => item.seq < reached);
    this.#flooded = NONE;
    this.#keepFresh(page);
    this.#list.become(this.items.filter(stays));
    const missing = page.items.filter((item) => !this.#list.has(item));
    for (const item of missing) {
      if (item.seq >= bottom) this.#fresh.set(item.seq, item);
      else this.#fresh.delete(item.seq);
    }
    this.#list.insert(missing.filter((item) => item.seq < bottom));
    if (!deeper) this.#continueBehind(page.before);
  }

  /** Tell once of all that changes at once. */
  #changed() {
    if (this.#announced || this.#closed) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      if (!this.#closed) this.dispatchEvent(new CustomEvent("change"));
    });
  }
}
