/**
 * The list of notifications. All entries are kept in memory, within bounds; the
 * document holds only a window of those that match the filter, which moves as the
 * person scrolls. What is being read never jumps: whatever changes above it, the
 * scroll position is corrected by the same height.
 *
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./preferences.js").Preferences} Preferences
 */
import { card } from "./card.js";
import { byId, say } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { inSlices } from "../shared/slices.js";
import { showTime } from "../shared/time.js";

const MOST_ENTRIES = 10_000;
const MOST_CHARACTERS = 50_000_000;
const WINDOW = 200;
const STEP = 60;
const NEAR = 120;
const TOUCHING = 8;
const BATCH = 16;
const TICK = 15_000;

export class Feed {
  #list = byId("feed");
  /** @type {Entry[]} all, oldest first */
  #entries = [];
  /** @type {Entry[]} those that match the filter, oldest first */
  #matching = [];
  #characters = 0;
  #needle = "";
  // What was asked for last; #needle follows when all entries are ready to be looked through.
  #wanted = "";
  // The document holds #matching[#from] to #matching[#to - 1].
  #from = 0;
  #to = 0;
  #missed = 0;
  /** @type {Entry[]} */
  #arriving = [];
  #connected = false;
  #order;
  #ends;

  /**
   * @param {Preferences} preferences
   * @param {(entries: Entry[]) => void} added told of entries that the feed has taken in
   */
  constructor(preferences, added) {
    this.preferences = preferences;
    this.added = added;
    this.#order = preferences.get("order");
    this.#ends = new IntersectionObserver((seen) => this.#reach(seen), { rootMargin: "600px" });
    preferences.addEventListener("change", () => this.#prefer());
    byId("fresh").addEventListener("click", () => this.#showNewest());
    addEventListener("scroll", () => this.#catchUp(), { passive: true });
    setInterval(() => this.#tick(), TICK);
    this.#explainEmpty();
  }

  /** @param {Entry} entry */
  add(entry) {
    this.#arriving.push(entry);
    // A timer and no animation frame, because hidden tabs have none.
    if (this.#arriving.length === 1) setTimeout(() => this.#arrive(), BATCH);
  }

  clear() {
    this.#entries = [];
    this.#arriving = [];
    this.#characters = 0;
    this.filter("");
  }

  /** @param {string} text */
  async filter(text) {
    const needle = text.trim().toLowerCase();
    this.#wanted = needle;
    if (needle) await inSlices(preparing(this.#entries), () => this.#wanted === needle);
    if (this.#wanted !== needle) return;
    this.#needle = needle;
    this.#matching = this.#entries.filter((entry) => this.#matches(entry));
    this.#rebuild();
    this.#showNewest();
  }

  /** @param {boolean} connected what an empty feed means depends on it */
  setConnected(connected) {
    this.#connected = connected;
    this.#explainEmpty();
  }

  get #newestFirst() {
    return this.#order === "newest";
  }

  /** @param {Entry} entry */
  #matches(entry) {
    return this.#needle === "" || entry.contains(this.#needle);
  }

  async #arrive() {
    if (this.#needle) await inSlices(preparing(this.#arriving));
    const arrived = this.#arriving;
    this.#arriving = [];
    if (arrived.length === 0) return;
    const following = this.preferences.get("follow") && this.#atEdge(NEAR);
    const matching = arrived.filter((entry) => this.#matches(entry));
    const complete = this.#to === this.#matching.length;
    this.#entries.push(...arrived);
    this.#matching.push(...matching);
    for (const { raw } of arrived) this.#characters += raw.length;
    this.#keepBounds();
    if (following || this.#list.childElementCount === 0) {
      this.#showNewest();
    } else {
      this.#missed += matching.length;
      if (complete) this.#anchored(() => this.#extend(0, STEP));
      this.#pill();
      this.#catchUp();
    }
    this.added(arrived);
  }

  #keepBounds() {
    let excess = 0;
    for (const { raw } of this.#entries) {
      const fits = this.#entries.length - excess <= MOST_ENTRIES && this.#characters <= MOST_CHARACTERS;
      if (fits || excess === this.#entries.length - 1) break;
      this.#characters -= raw.length;
      excess++;
    }
    if (excess === 0) return;
    const dropped = new Set(this.#entries.splice(0, excess));
    const gone = this.#matching.filter((entry) => dropped.has(entry)).length;
    this.#matching.splice(0, gone);
    const shown = Math.min(Math.max(0, gone - this.#from), this.#to - this.#from);
    this.#anchored(() => {
      for (let index = 0; index < shown; index++) this.#oldest?.remove();
    });
    this.#from = Math.max(0, this.#from - gone);
    this.#to = Math.max(0, this.#to - gone);
  }

  get #oldest() {
    return this.#newestFirst ? this.#list.lastElementChild : this.#list.firstElementChild;
  }

  get #newest() {
    return this.#newestFirst ? this.#list.firstElementChild : this.#list.lastElementChild;
  }

  /** Whether the newest is in view. @param {number} distance how far from there counts, in pixels */
  #atEdge(distance) {
    const { scrollTop, scrollHeight, clientHeight } = document.documentElement;
    if (this.#to < this.#matching.length) return false;
    return (this.#newestFirst ? scrollTop : scrollHeight - clientHeight - scrollTop) < distance;
  }

  /** Move the window to the newest; what stays in it keeps its elements. */
  #showNewest() {
    const ahead = this.#matching.length - this.#to;
    if (this.#to > this.#from && ahead <= WINDOW) this.#extend(0, ahead);
    else this.#rebuild();
    this.#missed = 0;
    this.#pill();
    this.#explainEmpty();
    // Another part of the page may be in view.
    if (!this.#list.checkVisibility()) return;
    const { top } = this.#list.getBoundingClientRect();
    // Above the feed may be a form that somebody fills in: no move without a need.
    if (this.#newestFirst && top > byId("bar").offsetHeight) return;
    scrollTo({ top: this.#newestFirst ? 0 : document.documentElement.scrollHeight, behavior: "instant" });
  }

  #rebuild() {
    this.#to = this.#matching.length;
    this.#from = Math.max(0, this.#to - STEP);
    this.#list.replaceChildren(...this.#render(this.#from, this.#to));
    this.#watchEnds();
  }

  /** Grow the window towards older and newer, and shrink it at the other end. */
  #extend(/** @type {number} */ older, /** @type {number} */ newer) {
    const from = Math.max(0, this.#from - older);
    const to = Math.min(this.#matching.length, this.#to + newer);
    const atOldest = this.#render(from, this.#from);
    const atNewest = this.#render(this.#to, to);
    const [first, last] = this.#newestFirst ? [atNewest, atOldest] : [atOldest, atNewest];
    this.#list.prepend(...first);
    this.#list.append(...last);
    this.#from = from;
    this.#to = to;
    for (; this.#to - this.#from > WINDOW && older; this.#to--) this.#newest.remove();
    for (; this.#to - this.#from > WINDOW; this.#from++) this.#oldest.remove();
    this.#watchEnds();
  }

  /** @param {number} from @param {number} to */
  #render(from, to) {
    const elements = this.#matching.slice(from, to).map((entry) => card(entry, this.#exactTime));
    return this.#newestFirst ? elements.reverse() : elements;
  }

  /** Change the list without moving what is on the screen. @param {() => void} change */
  #anchored(change) {
    const children = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    const anchor = children.find((child) => child.getBoundingClientRect().bottom > 0);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (!anchor?.isConnected) return;
    scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #reach(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      const towardsNewer = (target.id === "feed-top") === this.#newestFirst;
      if (towardsNewer && this.#to < this.#matching.length) this.#anchored(() => this.#extend(0, STEP));
      else if (!towardsNewer && this.#from > 0) this.#anchored(() => this.#extend(STEP, 0));
    }
  }

  /** Observing anew makes the observer report ends that are in view already. */
  #watchEnds() {
    for (const id of ["feed-top", "feed-bottom"]) {
      this.#ends.unobserve(byId(id));
      this.#ends.observe(byId(id));
    }
  }

  #catchUp() {
    if (this.#missed === 0 || !this.#atEdge(TOUCHING)) return;
    this.#missed = 0;
    this.#pill();
  }

  #pill() {
    say(byId("fresh"), this.#missed ? words.fresh(this.#missed) : "");
    byId("fresh").dataset.order = this.#order;
  }

  #explainEmpty() {
    byId("empty").hidden = this.#matching.length > 0;
    if (this.#matching.length > 0) return;
    const [title, text] =
      this.#entries.length > 0
        ? [words.noMatchTitle, words.noMatchText(this.#entries.length)]
        : this.#connected
          ? [words.emptyTitle, words.emptyText]
          : [words.emptyWaiting, words.emptyWaitingText];
    byId("empty-title").textContent = title;
    byId("empty-text").textContent = text;
  }

  #prefer() {
    this.#tick();
    if (this.#order === this.preferences.get("order")) return;
    this.#order = this.preferences.get("order");
    this.#rebuild();
    this.#showNewest();
  }

  get #exactTime() {
    return this.preferences.get("exactTime") === true;
  }

  #tick() {
    for (const time of this.#list.querySelectorAll("time")) showTime(time, this.#exactTime);
  }
}

/** Gets entries ready for the filter, in steps; also those that come meanwhile. @param {Entry[]} entries */
function* preparing(entries) {
  for (const entry of entries) if (!entry.searchable) yield* entry.prepare();
}
