/** What a person has of their inbox, tied together: boxes, list, detail, selection, and the keys. */
import { byId } from "../shared/dom.js";
import { Boxes } from "./boxes.js";
import { Deeds, archiveOrBack, isSnoozed, readOrUnread } from "./deeds.js";
import { Detail } from "./detail.js";
import { List } from "./list.js";
import { Selection } from "./selection.js";
import { Shortcuts } from "./shortcuts.js";
import { Snooze } from "./snooze.js";
import { Toast } from "./toast.js";

/** @typedef {import("../../notifier-inbox.js").Inbox} Model */
/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("../../notifier/bell/screen/rows.js").Row} Row */

const FILTER_PAUSE = 120;

export class Reader {
  /** @type {Model | null} */
  #inbox = null;
  #toast = new Toast(byId("toast"));
  #deeds = new Deeds(this.#toast);
  #snooze = new Snooze((keys, until) => this.#deeds.snooze(keys, until));
  #boxes = new Boxes(() => this.#show());
  /** The id of the row on which a key works if the focus is elsewhere. @type {string | undefined} */
  #current;

  /** @param {import("./preferences.js").Preferences} preferences */
  constructor(preferences) {
    this.list = new List(preferences, (keys) => this.#deeds.quietly("seen", keys));
    this.selection = new Selection(this.list, this.#deeds, this.#snooze);
    this.detail = new Detail(this.list, preferences, {
      opened: (item) => this.#opened(item),
      read: () => this.#toggleRead(),
      archive: () => this.#archive(),
      snooze: () => this.#putOff(),
    });
    this.list.addEventListener("change", () => this.#boxes.meet(this.list.items));
    byId("read-all").addEventListener("click", () => this.#deeds.readAll(this.#boxes.category));
    byId("detail").addEventListener("close", () => this.#toast.settle());
    new Shortcuts(preferences, this.#keys(), () => this.#where());
    this.#bindRows();
    this.#bindFilter();
  }

  /** @param {Model} inbox */
  open(inbox) {
    this.#inbox = this.#deeds.inbox = inbox;
    inbox.addEventListener("counts", ({ detail }) => this.#boxes.count(detail.unread));
    this.#show();
  }

  close() {
    this.#inbox = this.#deeds.inbox = null;
    this.detail.close();
    this.#snooze.close();
    this.#toast.hide();
    this.selection.clear();
    this.#boxes.reset();
    byId("filter").value = "";
    this.list.filter("");
    this.list.show(null);
  }

  #show() {
    this.selection.clear();
    if (this.#inbox) this.list.show(this.#inbox.view(this.#boxes.filter));
  }

  /** @returns {import("./shortcuts.js").Shortcut[]} */
  #keys() {
    const box = (/** @type {import("./boxes.js").Box} */ name) => () => this.#goTo(name);
    return [
      { name: "next", keys: ["j", "ArrowDown"], action: () => this.#move(1), detail: true },
      { name: "previous", keys: ["k", "ArrowUp"], action: () => this.#move(-1), detail: true },
      { name: "open", keys: ["o", "Enter"], action: () => this.#open() },
      { name: "archive", keys: ["e"], action: () => this.#archive(), detail: true },
      { name: "read", keys: ["u"], action: () => this.#toggleRead(), detail: true },
      { name: "snooze", keys: ["s"], action: () => this.#putOff(), detail: true },
      { name: "unfold", keys: ["f"], action: () => this.#fold() },
      { name: "select", keys: ["x"], action: () => this.#pick() },
      { name: "clear", keys: ["Escape"], action: () => this.selection.clear() },
      { name: "readAll", keys: ["A"], action: () => this.#deeds.readAll(this.#boxes.category) },
      { name: "undo", keys: ["z"], action: () => this.#deeds.undo(), detail: true },
      { name: "fresh", keys: ["n"], action: () => this.list.showNew() },
      { name: "filter", keys: ["/"], action: () => byId("filter").focus() },
      { name: "all", keys: ["g i"], action: box("all"), elsewhere: true },
      { name: "unread", keys: ["g u"], action: box("unread"), elsewhere: true },
      { name: "archived", keys: ["g a"], action: box("archived"), elsewhere: true },
      { name: "snoozed", keys: ["g s"], action: box("snoozed"), elsewhere: true },
    ];
  }

  /** Also from a view for operators, which the address names. @param {import("./boxes.js").Box} box */
  #goTo(box) {
    const back = this.#where() === "elsewhere";
    if (back) location.hash = "";
    if (!back || box !== this.#boxes.box) this.#boxes.choose(box);
  }

  /** @returns {import("./shortcuts.js").Place | ""} */
  #where() {
    const dialog = document.querySelector("dialog[open]");
    if (document.querySelector(":popover-open")) return "";
    if (dialog) return dialog.id === "detail" && !byId("snooze").open ? "detail" : "";
    if (!this.#inbox) return "";
    return byId("feed").checkVisibility() ? "list" : "elsewhere";
  }

  /** The row that a key is about. @returns {Row | undefined} */
  get #row() {
    const opened = this.detail.item;
    if (opened) return this.list.holding(opened.key);
    return this.list.of(document.activeElement) ?? this.list.find(this.#current);
  }

  /** What it stands for; what is open may have left the list. */
  get #items() {
    const opened = this.detail.item;
    return this.#row?.items ?? (opened ? [opened] : []);
  }

  /** @param {Row | undefined} row */
  #focus(row) {
    this.#current = row?.id;
    const element = this.list.element(row);
    /** @type {HTMLElement | null | undefined} */ (element?.querySelector(".entry-open"))?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} by */
  #move(by) {
    if (this.detail.item) return this.detail.beside(by);
    const focused = this.list.of(document.activeElement);
    const next = focused && this.list.beside(focused, by);
    // Who comes from elsewhere goes on where they were.
    this.#focus(next ?? focused ?? this.#row ?? this.list.beside(undefined, by));
  }

  #open() {
    const [item] = this.#items;
    if (item) this.detail.open(item);
  }

  #fold() {
    const group = this.list.groupOf(this.#row);
    if (!group) return;
    this.list.fold(group);
    this.#focus(group);
  }

  /** Opened is read, with all that the same row stands for. @param {Item} item */
  #opened(item) {
    const row = this.list.holding(item.key);
    this.#current = row?.id ?? this.#current;
    this.#read(row?.items ?? [item]);
    this.#toast.settle();
  }

  /** @param {readonly Item[]} items */
  #read(items) {
    const keys = keysOf(items.filter(({ readAt }) => readAt === null));
    if (keys.length > 0) this.#deeds.quietly("read", keys);
  }

  #pick() {
    const row = this.#row;
    if (row) this.selection.toggle(row);
  }

  #toggleRead() {
    if (!this.detail.item && !this.selection.empty) this.selection.toggleRead();
    else this.#deeds.do(readOrUnread(this.#items), keysOf(this.#items));
  }

  #archive() {
    if (!this.detail.item && !this.selection.empty) return this.selection.archive();
    const items = this.#items;
    this.#leave(() => this.#deeds.do(archiveOrBack(items), keysOf(items)));
  }

  #putOff() {
    if (!this.detail.item && !this.selection.empty) return this.selection.putOff();
    const items = this.#items;
    if (items.length > 0 && items.every(isSnoozed)) this.#leave(() => this.#deeds.wake(keysOf(items)));
    else this.#snooze.ask(keysOf(items));
  }

  /** What leaves the list hands the focus to the row after it. @param {() => void} deed @param {Row} [row] */
  #leave(deed, row = this.#row) {
    const next = row && this.#after(row);
    const opened = this.detail.item !== null;
    const focused = this.list.of(document.activeElement) !== undefined;
    if (opened) this.detail.close();
    if (opened || focused) this.#focus(next);
    deed();
  }

  /** The next row that is none of its group's, or else the one before. @param {Row} row */
  #after(row) {
    const beyond = (/** @type {number} */ by) => {
      let next = this.list.beside(row, by);
      while (row.group && next?.inner) next = this.list.beside(next, by);
      return next;
    };
    return beyond(1) ?? beyond(-1);
  }

  #bindRows() {
    byId("feed").addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const { target } = event;
      const row = this.list.of(target);
      if (row && target instanceof Element) this.#click(row, target, event.shiftKey);
    });
    byId("feed").addEventListener("focusin", (/** @type {FocusEvent} */ { target }) => (this.#current = this.list.of(target)?.id));
  }

  /** @param {Row} row @param {Element} target @param {boolean} shift */
  #click(row, target, shift) {
    const { items } = row;
    if (target.closest(".entry-select")) this.selection.toggle(row, shift);
    else if (target.closest(".entry-unfold")) this.list.fold(row);
    else if (target.closest(".entry-read")) this.#deeds.do(readOrUnread(items), keysOf(items));
    else if (target.closest(".entry-archive")) this.#leave(() => this.#deeds.do(archiveOrBack(items), keysOf(items)), row);
    // Whoever follows its link, or marks text, wants nothing else.
    else if (target.closest("a")) this.#read(items);
    else if (getSelection()?.isCollapsed !== false) this.detail.open(items[0]);
  }

  #bindFilter() {
    const filter = byId("filter");
    let timer = 0;
    filter.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.list.filter(filter.value), FILTER_PAUSE);
    });
  }
}

/** @param {readonly Item[]} items */
function keysOf(items) {
  return items.map(({ key }) => key);
}
