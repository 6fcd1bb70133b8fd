/**
 * The list of notifications: what a view of the inbox has loaded and the text filter lets through,
 * as rows: one for each, but one for all of a group, which unfolds. The document holds only a
 * window of them, which moves as the person scrolls. What is being read
 * never jumps: what is new waits until somebody wants it, and whatever changes above, the scroll
 * position is corrected by the same height.
 */
import { rowsOf } from "../../notifier/bell/screen/rows.js";
import { byId, say } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { inSlices } from "../shared/slices.js";
import { showTime } from "../shared/time.js";
import { isSnoozed } from "./deeds.js";
import { Entry, preparing } from "./entry.js";
import { Held } from "./held.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("../../notifier-inbox.d.ts").View} View */
/** @typedef {import("../../notifier/bell/screen/rows.js").Row} Row */
/** @typedef {import("./preferences.js").Preferences} Preferences */

const WINDOW = 200;
const STEP = 60;
const NEAR = 120;
const TICK = 15_000;
const BATCH = 16;
const MOST_ENTRIES = 10_000;
const MOST_CHARACTERS = 50_000_000;

export class List extends EventTarget {
  #place = byId("feed");
  /** @type {View | null} */
  #view = null;
  /** In a flood, changes come by the thousand. A timer and no animation frame, because hidden tabs have none. */
  #changed = () => {
    this.#timer ||= window.setTimeout(() => this.#update(), BATCH);
  };
  #timer = 0;
  /** @type {Map<string, Entry>} all that is loaded */
  #entries = new Map();
  /** @type {Entry[]} those that the filter lets through, the newest first */
  #matching = [];
  /** @type {Set<string>} the ids of groups that show all of theirs */
  #unfolded = new Set();
  /** @type {Row[]} what is made of them */
  #rows = [];
  /** Of them #rows[#from] to #rows[#to - 1]. */
  #held;
  #from = 0;
  #to = 0;
  #needle = "";
  #turn = 0;
  /** Whether the next change brings what somebody asked for. */
  #wanted = false;
  #connected = false;
  #order;
  #images;
  #ends;

  /** @param {Preferences} preferences @param {(keys: string[]) => Promise<boolean>} tellSeen */
  constructor(preferences, tellSeen) {
    super();
    this.preferences = preferences;
    this.#held = new Held(this.#place, preferences, tellSeen, (element) => {
      this.dispatchEvent(new CustomEvent("row", { detail: element }));
    });
    this.#order = preferences.get("order");
    this.#images = preferences.get("images");
    this.#ends = new IntersectionObserver((seen) => this.#reach(seen), { rootMargin: "600px" });
    preferences.addEventListener("change", () => this.#prefer());
    byId("fresh").addEventListener("click", () => this.showNew());
    byId("older").addEventListener("click", () => this.#view?.load());
    addEventListener("scroll", () => this.#follow(), { passive: true });
    setInterval(() => this.#tick(), TICK);
    this.#explainEmpty();
  }

  /** Show another view of the inbox. @param {View | null} view */
  show(view) {
    this.#view?.removeEventListener("change", this.#changed);
    this.#view?.close();
    this.#view = view;
    this.#entries.clear();
    this.#unfolded.clear();
    this.#to = this.#from = 0;
    view?.addEventListener("change", this.#changed);
    view?.load();
    this.#update();
    scrollTo({ top: 0, behavior: "instant" });
  }

  /** @param {string} text */
  async filter(text) {
    this.#needle = text.trim().toLowerCase();
    if (await this.#update()) this.#toNewest();
  }

  /** @param {boolean} connected what an empty list means depends on it */
  setConnected(connected) {
    this.#connected = connected;
    this.#explainEmpty();
  }

  /** Let in what has come. */
  showNew() {
    this.#wanted = true;
    this.#view?.showFresh();
    this.#toNewest();
  }

  get category() {
    return this.#view?.filter.category ?? null;
  }

  /** @returns {Item[]} all that are listed, the newest first */
  get items() {
    return this.#matching.map(({ item }) => item);
  }

  /** @param {string} key @returns {Item | undefined} */
  item(key) {
    return this.#entries.get(key)?.item;
  }

  /** The row that an element of the list belongs to. @param {unknown} element @returns {Row | undefined} */
  of(element) {
    return this.#held.of(element);
  }

  /** @param {string | undefined} id @returns {Row | undefined} */
  find(id) {
    return this.#rows.find((row) => row.id === id);
  }

  /** The row that a notification is in, among others where its group is folded. @param {string | undefined} key */
  holding(key) {
    return this.#rows.find(({ group, items }) => group !== "unfolded" && items.some((item) => item.key === key));
  }

  /** The row of the group that a row belongs to, or is. @param {Row | undefined} row */
  groupOf(row) {
    return this.#rows.find(({ group, items }) => group !== null && items.some(({ key }) => key === row?.items[0].key));
  }

  /** @param {Row | undefined} row @returns {HTMLElement | undefined} its element, made if need be */
  element(row) {
    const index = this.#rows.findIndex(({ id }) => id === row?.id);
    if (index < 0) return undefined;
    const { id } = this.#rows[index];
    if (!this.#held.has(id)) this.#anchored(() => this.#render(index - STEP, index + STEP));
    return this.#held.element(id);
  }

  /** The row that many further on the screen; the first on the screen, if that one isn't listed. @param {Row | undefined} row @param {number} by */
  beside(row, by) {
    const down = this.#newestFirst ? by : -by;
    const index = this.#rows.findIndex(({ id }) => id === row?.id);
    return index < 0 ? this.#rows.at(this.#newestFirst ? 0 : -1) : this.#rows[index + down];
  }

  /** Those from one row to another, both of them included. @param {Row | undefined} one @param {Row} other */
  between(one, other) {
    const [from, to] = [one, other].map((row) => this.#rows.findIndex(({ id }) => id === row?.id));
    return from < 0 ? [other] : this.#rows.slice(Math.min(from, to), Math.max(from, to) + 1);
  }

  /** Show all of a group, or one of it. @param {Row} row */
  fold({ id }) {
    if (!this.#unfolded.delete(id)) this.#unfolded.add(id);
    this.#arrange();
    this.#anchored((anchor) => this.#keepPlace(anchor));
  }

  get #newestFirst() {
    return this.#order === "newest";
  }

  /**
   * Take in what the view has now. What was read stays where unread ones are listed, until the
   * list is opened again; what was put elsewhere leaves.
   * @returns {Promise<boolean>} whether it came to that: a later call takes the place of this one
   */
  async #update() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const turn = ++this.#turn;
    this.#takeIn();
    if (this.#needle) await inSlices(preparing(this.#entries.values()), () => turn === this.#turn);
    if (turn !== this.#turn) return false;
    this.#matching = [...this.#entries.values()].filter((entry) => this.#belongs(entry));
    this.#arrange();
    const atEdge = this.#wanted || this.#to === 0 || (this.#following && this.#atEdge(NEAR));
    if (atEdge) this.#render(0, Math.max(STEP, Math.min(WINDOW, this.#to)));
    else this.#anchored((anchor) => this.#keepPlace(anchor));
    if (this.#wanted) this.#toNewest();
    if (this.#view?.state === "ready") this.#wanted = false;
    this.#explainEmpty();
    this.#follow();
    this.#keepBounds();
    this.dispatchEvent(new Event("change"));
    return true;
  }

  /**
   * Who looks at the newest of very many needs no others: those are loaded again on the way to
   * them. Nobody waits any more for so many that are new.
   */
  #keepBounds() {
    const view = this.#view;
    if (view?.state !== "ready" || this.#from > 0) return;
    let characters = 0;
    for (const { raw } of view.items) characters += raw.length;
    if (view.items.length + view.fresh > MOST_ENTRIES || characters > MOST_CHARACTERS) view.reload();
  }

  #takeIn() {
    /** @type {Map<string, Entry>} */
    const entries = new Map();
    for (const item of this.#view?.items ?? []) {
      const entry = this.#entries.get(item.key) ?? new Entry(item);
      entry.item = item;
      entries.set(item.key, entry);
    }
    this.#entries = entries;
  }

  #arrange() {
    this.#rows = rowsOf(this.items, this.#unfolded);
  }

  /** @param {Entry} entry */
  #belongs(entry) {
    const { item } = entry;
    const readHere = this.#view?.filter.status === "unread" && item.archivedAt === null && !isSnoozed(item);
    const listed = readHere || this.#view?.fits(item) === true;
    return listed && (this.#needle === "" || entry.contains(this.#needle));
  }

  get #following() {
    return this.preferences.get("follow") === true;
  }

  /** New ones come in by themselves only where that was asked for, and its end of the list is in view. */
  #follow() {
    const fresh = this.#view?.fresh ?? 0;
    if (fresh > 0 && this.#following && this.#place.checkVisibility() && this.#atEdge(NEAR)) return this.showNew();
    say(byId("fresh"), fresh ? words.fresh(fresh) : "");
    byId("fresh").dataset.order = this.#order;
  }

  /** Whether the newest is in view. @param {number} distance how far from there counts, in pixels */
  #atEdge(distance) {
    const { scrollTop, scrollHeight, clientHeight } = document.documentElement;
    if (this.#from > 0) return false;
    return (this.#newestFirst ? scrollTop : scrollHeight - clientHeight - scrollTop) < distance;
  }

  /** Move the window, and the screen, to the newest. */
  #toNewest() {
    this.#render(0, Math.max(STEP, this.#to - this.#from));
    // Another part of the page may be in view.
    if (!this.#place.checkVisibility()) return;
    const { top } = this.#place.getBoundingClientRect();
    // Above the list may be a form that somebody fills in: no move without a need.
    if (this.#newestFirst && top > byId("bar").offsetHeight) return;
    scrollTo({ top: this.#newestFirst ? 0 : document.documentElement.scrollHeight, behavior: "instant" });
  }

  /** The same rows as before, around one that stays. @param {Element | undefined} anchor */
  #keepPlace(anchor) {
    const held = this.#held.elements;
    if (!this.#newestFirst) held.reverse();
    const kept = anchor ?? held.find((element) => this.#stays(element));
    const before = kept ? held.indexOf(kept) : 0;
    const from = Math.max(0, this.#rows.findIndex(({ id }) => id === this.of(kept)?.id) - before);
    this.#render(from, from + Math.max(STEP, this.#to - this.#from));
  }

  /** Whether it still shows what it did. @param {Element} element */
  #stays(element) {
    const row = this.of(element);
    return row !== undefined && this.find(row.id)?.items[0].key === row.items[0].key;
  }

  /** Hold these in the document. @param {number} from @param {number} to */
  #render(from, to) {
    this.#from = Math.max(0, Math.min(from, this.#rows.length - 1));
    this.#to = Math.min(this.#rows.length, to);
    const wanted = this.#rows.slice(this.#from, this.#to);
    this.#held.hold(this.#newestFirst ? wanted : wanted.reverse());
    this.#watchEnds();
  }

  /** Change the list without moving what is on the screen. @param {(anchor: Element | undefined) => void} change */
  #anchored(change) {
    const shown = this.#held.elements.filter((element) => element.getBoundingClientRect().bottom > 0);
    const anchor = shown.find((element) => this.#stays(element));
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change(anchor);
    if (!anchor?.isConnected) return;
    const moved = anchor.getBoundingClientRect().top - before;
    if (moved) scrollBy({ top: moved, behavior: "instant" });
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #reach(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      if ((target.id === "feed-top") === this.#newestFirst) this.#towardsNewer();
      else this.#towardsOlder();
    }
  }

  #towardsNewer() {
    if (this.#from === 0) return;
    const from = this.#from - STEP;
    this.#anchored(() => this.#render(from, Math.min(this.#to, Math.max(0, from) + WINDOW)));
  }

  /** The filter works on what is loaded: more of it comes only when somebody asks. */
  #towardsOlder() {
    if (this.#to < this.#rows.length) {
      const to = this.#to + STEP;
      this.#anchored(() => this.#render(Math.max(this.#from, to - WINDOW), to));
    } else if (this.#view?.more && this.#view.state === "ready" && !this.#needle) {
      this.#view.load();
    }
  }

  /** Observing anew makes the observer report ends that are in view already. */
  #watchEnds() {
    for (const id of ["feed-top", "feed-bottom"]) {
      this.#ends.unobserve(byId(id));
      this.#ends.observe(byId(id));
    }
  }

  /** What is not there, and why; and whether there is more. */
  #explainEmpty() {
    const { state = "ready", more = false } = this.#view ?? {};
    const failed = state === "failed";
    byId("feed-column").setAttribute("aria-busy", String(state === "loading"));
    byId("older").hidden = !failed && !(more && this.#needle && state === "ready");
    byId("older").textContent = failed ? words.loadAgain : words.searchOlder;
    byId("empty").hidden = this.#matching.length > 0 || state === "loading";
    if (this.#matching.length > 0) return;
    const [title, text] = this.#emptyWords(failed);
    byId("empty-title").textContent = title;
    byId("empty-text").textContent = text;
  }

  /** @param {boolean} failed */
  #emptyWords(failed) {
    if (this.#entries.size > 0 && this.#needle) return [words.noMatchTitle, words.noMatchText(this.#entries.size)];
    if (failed && this.#connected) return [words.loadFailed, ""];
    if (!this.#connected) return [words.emptyWaiting, words.emptyWaitingText];
    const { status = "all", archived = "exclude", snoozed = "exclude" } = this.#view?.filter ?? {};
    if (archived === "only") return [words.emptyArchived, ""];
    if (snoozed === "only") return [words.emptySnoozed, ""];
    return [status === "unread" ? words.emptyUnread : words.emptyTitle, words.emptyText];
  }

  #prefer() {
    this.#tick();
    this.#follow();
    if (this.#images !== this.preferences.get("images")) this.#redraw();
    if (this.#order === this.preferences.get("order")) return;
    this.#order = this.preferences.get("order");
    this.#toNewest();
  }

  #redraw() {
    this.#images = this.preferences.get("images");
    const [from, to] = [this.#from, this.#to];
    this.#held.hold([]);
    this.#render(from, to);
  }

  #tick() {
    const exactly = this.preferences.get("exactTime") === true;
    for (const time of this.#place.querySelectorAll("time")) showTime(time, exactly);
  }
}
