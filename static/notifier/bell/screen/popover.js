/**
 * What opens at the bell: a modal dialog, so that the browser keeps the focus in it, gives it back
 * and closes it at Escape; on a phone it fills the screen.
 */
import { make } from "../dom.js";
import { icon, iconButton } from "./icons.js";
import { List } from "./list.js";
import { SnoozeMenu } from "./menu.js";
import { Notice } from "./notice.js";
import { place } from "./place.js";
import { rowsOf } from "./rows.js";
import { Tabs } from "./tabs.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./commands.js").Item} Item
 * @typedef {import("../../../notifier-inbox.d.ts").View} View
 *
 * @typedef {object} Wishes what the page asks of a popover
 * @property {import("./tabs.js").Tab[]} tabs
 * @property {boolean} readOnOpen whether being shown is enough to be read
 * @property {string} placement
 */

const TICK = 30_000;

export class Popover {
  #button;
  #wishes;
  #commands;
  #times;
  #words;
  #menu;
  #tabs;
  #list;
  #fresh;
  #state;
  #offline;
  /** @type {View | null} */
  #view = null;
  /** @type {Set<string>} */
  #unfolded = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;
  #gone = new AbortController();

  /** @param {Element} button @param {Omit<import("./row.js").Rendering, "fold" | "snooze">} rendering @param {Wishes} wishes */
  constructor(button, rendering, wishes) {
    const { commands, times, words } = rendering;
    this.#button = button;
    this.#wishes = wishes;
    this.#commands = commands;
    this.#times = times;
    this.#words = words;
    this.notice = new Notice(words);
    this.#menu = new SnoozeMenu(words, times);
    this.#tabs = new Tabs(wishes.tabs, words.tabs, () => this.#look());
    this.#list = new List(
      { ...rendering, fold: (row) => this.#fold(row), snooze: (row, at) => this.#snooze(row, at) },
      { moved: () => this.#moved(), pressed: (event, row) => this.#pressed(event, row), label: words.title },
    );
    this.#fresh = make("button", { part: "fresh", hidden: true, onclick: () => this.#showFresh() });
    this.#state = make("div", { part: "state", hidden: true });
    this.#offline = make("p", { part: "offline", role: "status", hidden: true });
    this.live = make("div", { part: "unseen-text", role: "status" });
    this.element = this.#dialog();
    const { signal } = this.#gone;
    addEventListener("resize", () => this.#place(), { passive: true, signal });
    commands.inbox.addEventListener("status", () => this.#showState(), { signal });
  }

  #dialog() {
    const words = this.#words;
    const header = make(
      "div",
      { part: "header" },
      make("h2", { part: "headline", id: "headline" }, words.title),
      iconButton("all", words.readAll, "tool read-all", () => this.#readAll()),
      iconButton("close", words.close, "tool close", () => this.element.close()),
    );
    const panel = make(
      "div",
      { part: "panel", id: "panel", role: "tabpanel", "aria-label": words.title },
      this.#fresh, this.#list.element, this.#state,
    );
    const listeners = { onclick: (/** @type {MouseEvent} */ event) => this.#clicked(event), onclose: () => this.#closed() };
    return make(
      "dialog",
      { part: "popover", "aria-labelledby": "headline", ...listeners },
      header, this.#tabs.element, this.#offline, panel, this.notice.element, this.live, this.#menu.element,
    );
  }

  open() {
    this.element.showModal();
    this.#button.setAttribute("aria-expanded", "true");
    this.#place();
    if (this.#view) this.#showFresh();
    else this.#look();
    this.#list.list.focus({ preventScroll: true });
    this.#ticking = setInterval(() => this.#list.tick(this.#times), TICK);
    this.#changed();
  }

  /** Take it out of the page for good. */
  remove() {
    this.element.close();
    this.#gone.abort();
    this.#view?.close();
    this.#list.close();
    clearInterval(this.#ticking);
    this.element.remove();
  }

  #closed() {
    clearInterval(this.#ticking);
    this.notice.hide();
    this.#button.setAttribute("aria-expanded", "false");
  }

  #place() {
    if (this.element.open) place(this.element, this.#button, this.#wishes.placement);
  }

  /** A click beside it closes it. @param {MouseEvent} event */
  #clicked(event) {
    if (event.target !== this.element) return;
    const { left, right, top, bottom } = this.element.getBoundingClientRect();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (!inside) this.element.close();
  }

  /** Begin with what the tab shows. */
  #look() {
    this.#view?.close();
    this.#unfolded.clear();
    this.#view = this.#commands.inbox.view(this.#tabs.current.filter);
    this.#view.addEventListener("change", () => this.#changed());
    this.#view.load();
    this.#changed();
    this.#list.toTop();
  }

  #changed() {
    const view = this.#view;
    if (!view || !this.element.open) return;
    this.#list.show(rowsOf(view.items.filter((item) => stays(view, item)), this.#unfolded));
    this.#fresh.hidden = view.fresh === 0;
    this.#fresh.textContent = this.#words.fresh(view.fresh);
    this.#showState();
    this.#moved();
  }

  /** Whatever has come onto the screen. */
  #moved() {
    const view = this.#view;
    if (!view || !this.element.open || document.visibilityState !== "visible") return;
    const shown = this.#list.visible.flatMap(({ items }) => items);
    if (this.#wishes.readOnOpen) this.#commands.read(shown);
    else this.#commands.see(shown);
    if (view.state === "ready" && view.more && this.#list.atEnd) view.load();
    if (view.fresh > 0 && this.#list.atTop && view.items.length === 0) view.showFresh();
  }

  #showFresh() {
    this.#view?.showFresh();
    this.#list.toTop();
    this.#changed();
  }

  #readAll() {
    this.#commands.readAll(this.#tabs.current.filter.category ?? null);
  }

  #showState() {
    const words = this.#words;
    const { state, reason } = this.#commands.inbox.status;
    const offline = ["offline", "reconnecting"].includes(state);
    this.#offline.hidden = !offline;
    this.#offline.textContent = offline ? words.offline : "";
    const parts = state === "closed" && reason === "signed out" ? [title(words.signedOut)] : this.#explanation();
    this.#state.hidden = parts.length === 0;
    this.#state.replaceChildren(...parts);
  }

  /** What to say instead of a list, or below it. */
  #explanation() {
    const words = this.#words;
    const view = this.#view;
    if (!view) return [];
    if (view.state === "failed") return [title(words.failedTitle), this.#again()];
    if (view.items.some((item) => stays(view, item))) return [];
    if (view.state === "loading") return [make("p", { role: "status" }, words.loading)];
    const { status, archived } = view.filter;
    if (archived === "only") return [icon("archive", "drawing"), title(words.noArchived)];
    const said = status === "unread" ? words.noUnread : words.emptyTitle;
    return [icon("bell", "drawing"), title(said), make("p", {}, words.emptyText)];
  }

  #again() {
    return make("button", { part: "again", onclick: () => this.#view?.load() }, this.#words.again);
  }

  /** @param {Row} row */
  #fold({ id }) {
    if (!this.#unfolded.delete(id)) this.#unfolded.add(id);
    this.#changed();
  }

  /** @param {Row} row @param {HTMLElement} button */
  #snooze(row, button) {
    this.#menu.open(button, (until) => this.#commands.snooze(row.items, until));
  }

  /** A key that moves nowhere. @param {KeyboardEvent} event @param {Row} row */
  #pressed(event, row) {
    const own = /** @type {Element} */ (event.target).localName === "article";
    const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace("Key", "").toLowerCase();
    if (event.key === "Enter" && own) this.#enter(row);
    else if (letter === "e") this.#commands.toggleArchived(row.items);
    else if (letter === "u") this.#commands.toggleRead(row.items);
    else return;
    event.preventDefault();
  }

  /** @param {Row} row */
  #enter(row) {
    const element = this.#list.elementOf(row);
    const link = /** @type {HTMLElement | null | undefined} */ (element?.querySelector("a[part~=link], [part~=unfold]"));
    if (link) link.click();
    else this.#commands.read(row.items);
  }
}

/** @param {string} text */
function title(text) {
  return make("p", { part: "state-title" }, text);
}

/** Whether it is shown: what was just read stays among the unread ones, what was put away doesn't. @param {View} view @param {Item} item */
function stays(view, item) {
  if (view.fits(item)) return true;
  const away = item.archivedAt || (item.snoozedUntil && item.snoozedUntil.getTime() > Date.now());
  return view.filter.archived !== "only" && !away;
}
