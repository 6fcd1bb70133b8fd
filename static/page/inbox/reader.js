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

const FILTER_PAUSE = 120;

export class Reader {
  /** @type {Model | null} */
  #inbox = null;
  #toast = new Toast(byId("toast"));
  #deeds = new Deeds(this.#toast);
  #snooze = new Snooze((keys, until) => this.#deeds.snooze(keys, until));
  #boxes = new Boxes(() => this.#show());
  /** The row on which a key works if the focus is elsewhere. @type {string | undefined} */
  #current;

  /** @param {import("./preferences.js").Preferences} preferences */
  constructor(preferences) {
    this.list = new List(preferences, (keys) => this.#deeds.quietly("seen", keys));
    this.selection = new Selection(this.list, this.#deeds, this.#snooze);
    this.detail = new Detail(this.list, {
      opened: (item) => this.#opened(item),
      read: () => this.#toggleRead(),
      archive: () => this.#archive(),
      snooze: () => this.#putOff(),
    });
    this.list.addEventListener("change", () => this.#boxes.meet(this.list.items));
    byId("read-all").addEventListener("click", () => this.#deeds.readAll(this.#boxes.category));
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
    const box = (/** @type {import("./boxes.js").Box} */ name) => () => this.#boxes.choose(name);
    return [
      { name: "next", keys: ["j", "ArrowDown"], action: () => this.#move(1), inDetail: true },
      { name: "previous", keys: ["k", "ArrowUp"], action: () => this.#move(-1), inDetail: true },
      { name: "open", keys: ["o", "Enter"], action: () => this.#open() },
      { name: "archive", keys: ["e"], action: () => this.#archive(), inDetail: true },
      { name: "read", keys: ["u"], action: () => this.#toggleRead(), inDetail: true },
      { name: "snooze", keys: ["s"], action: () => this.#putOff(), inDetail: true },
      { name: "select", keys: ["x"], action: () => this.#pick() },
      { name: "clear", keys: ["Escape"], action: () => this.selection.clear() },
      { name: "readAll", keys: ["A"], action: () => this.#deeds.readAll(this.#boxes.category) },
      { name: "undo", keys: ["z"], action: () => this.#deeds.undo(), inDetail: true },
      { name: "fresh", keys: ["n"], action: () => this.list.showNew() },
      { name: "filter", keys: ["/"], action: () => byId("filter").focus() },
      { name: "all", keys: ["g i"], action: box("all") },
      { name: "unread", keys: ["g u"], action: box("unread") },
      { name: "archived", keys: ["g a"], action: box("archived") },
      { name: "snoozed", keys: ["g s"], action: box("snoozed") },
    ];
  }

  /** @returns {"list" | "detail" | ""} */
  #where() {
    const dialog = document.querySelector("dialog[open]");
    if (document.querySelector(":popover-open")) return "";
    if (dialog) return dialog.id === "detail" && !byId("snooze").open ? "detail" : "";
    return this.#inbox && byId("feed").checkVisibility() ? "list" : "";
  }

  /** What a key is about. @returns {Item | undefined} */
  get #item() {
    return this.detail.item ?? this.list.of(document.activeElement) ?? this.list.item(this.#current ?? "");
  }

  /** @param {Item | undefined} item */
  #focus(item) {
    this.#current = item?.key;
    const row = this.list.row(item?.key);
    /** @type {HTMLElement | null | undefined} */ (row?.querySelector(".entry-open"))?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} by */
  #move(by) {
    if (this.detail.item) return this.detail.beside(by);
    const focused = this.list.of(document.activeElement);
    const next = focused && this.list.beside(focused.key, by);
    // Who comes from elsewhere goes on where they were.
    this.#focus(next ?? focused ?? this.#item ?? this.list.beside(undefined, by));
  }

  #open() {
    const item = this.#item;
    if (item) this.detail.open(item);
  }

  /** Opened is read. @param {Item} item */
  #opened(item) {
    this.#current = item.key;
    if (item.readAt === null) this.#deeds.quietly("read", [item.key]);
  }

  #pick() {
    if (this.#item) this.selection.toggle(this.#item);
  }

  #toggleRead() {
    const item = this.#item;
    if (!this.detail.item && !this.selection.empty) this.selection.toggleRead();
    else if (item) this.#deeds.do(readOrUnread([item]), [item.key]);
  }

  #archive() {
    if (!this.detail.item && !this.selection.empty) return this.selection.archive();
    if (this.#item) this.#leave(this.#item, (item) => this.#deeds.do(archiveOrBack([item]), [item.key]));
  }

  #putOff() {
    if (!this.detail.item && !this.selection.empty) return this.selection.putOff();
    const item = this.#item;
    if (item && isSnoozed(item)) this.#leave(item, () => this.#deeds.wake([item.key]));
    else if (item) this.#snooze.ask([item.key]);
  }

  /** What leaves the list hands the focus to the one after it. @param {Item} item @param {(item: Item) => void} deed */
  #leave(item, deed) {
    const next = this.list.beside(item.key, 1) ?? this.list.beside(item.key, -1);
    const opened = this.detail.item !== null;
    const focused = this.list.of(document.activeElement) !== undefined;
    if (opened) this.detail.close();
    if (opened || focused) this.#focus(next);
    deed(item);
  }

  #bindRows() {
    byId("feed").addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const { target } = event;
      const item = this.list.of(target);
      if (item && target instanceof Element) this.#click(item, target, event.shiftKey);
    });
    byId("feed").addEventListener("focusin", (/** @type {FocusEvent} */ { target }) => (this.#current = this.list.of(target)?.key));
  }

  /** @param {Item} item @param {Element} target @param {boolean} shift */
  #click(item, target, shift) {
    if (target.closest(".entry-select")) this.selection.toggle(item, shift);
    else if (target.closest(".entry-read")) this.#deeds.do(readOrUnread([item]), [item.key]);
    else if (target.closest(".entry-archive")) this.#leave(item, () => this.#deeds.do(archiveOrBack([item]), [item.key]));
    // Whoever follows its link, or marks text, wants nothing else.
    else if (target.closest("a")) this.#opened(item);
    else if (getSelection()?.isCollapsed !== false) this.detail.open(item);
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
