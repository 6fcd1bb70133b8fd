/** All of one notification: its text to the end, what became of it, and its JSON as it was sent. */
import { webAddress } from "../../notifier/inbox/address.js";
import { copyText } from "../shared/clipboard.js";
import { byId, make, say } from "../shared/dom.js";
import { pretty } from "../shared/json.js";
import { label, words } from "../shared/language.js";
import { exact } from "../shared/time.js";
import { fillLink } from "./address.js";
import { lines, showText } from "./excerpt.js";
import { fillLevel, fillTitle } from "./row.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */

const COPIED_SHOWN = 1_500;

export class Detail {
  /** @type {HTMLDialogElement} */
  #dialog = byId("detail");
  /** @type {Item | null} */
  #item = null;

  /**
   * @param {import("./list.js").List} list
   * @param {{ opened: (item: Item) => void, read: () => void, archive: () => void, snooze: () => void }} deeds
   */
  constructor(list, deeds) {
    this.list = list;
    this.opened = deeds.opened;
    const on = (/** @type {string} */ id, /** @type {() => void} */ action) => byId(id).addEventListener("click", action);
    on("detail-close", () => this.close());
    on("detail-previous", () => this.beside(-1));
    on("detail-next", () => this.beside(1));
    on("detail-copy", () => copy(byId("detail-copy"), this.#item?.raw ?? ""));
    on("detail-more-body", () => this.#showBody(true));
    on("detail-more-json", () => this.#showJson(true));
    on("detail-read", deeds.read);
    on("detail-archive", deeds.archive);
    on("detail-snooze", deeds.snooze);
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.close());
    list.addEventListener("change", () => this.#refresh());
  }

  /** What is open, if anything. */
  get item() {
    return this.#dialog.open ? this.#item : null;
  }

  /** @param {Item} item */
  open(item) {
    this.#item = item;
    this.#fill(item);
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("detail-sheet").scrollTop = 0;
    byId("detail-title").focus();
    this.opened(item);
  }

  close() {
    this.#dialog.close();
  }

  /** Open the one after it, or before. @param {number} by */
  beside(by) {
    const item = this.list.beside(this.#item?.key, by);
    if (item && this.#item) this.open(item);
  }

  /** Where one was in the list is where one goes on. */
  #closed() {
    /** @type {HTMLElement | null | undefined} */ (this.list.row(this.#item?.key)?.querySelector(".entry-open"))?.focus();
    this.#item = null;
    byId("detail-json").replaceChildren();
  }

  /** What has become of it meanwhile. */
  #refresh() {
    if (!this.item) return;
    const now = this.list.item(this.item.key);
    if (now && now !== this.#item) this.#showState((this.#item = now));
  }

  /** @param {Item} item */
  #fill(item) {
    fillLevel(this.#dialog, item.message?.level ?? null);
    fillTitle(byId("detail-name"), item);
    this.#showBody(false);
    this.#showJson(false);
    const link = byId("detail-link");
    say(link);
    if (item.message?.url) fillLink(link, item.message.url);
    byId("detail-actions").replaceChildren(...actions(item));
    this.#showState(item);
    byId("detail-previous").disabled = !this.list.beside(item.key, -1);
    byId("detail-next").disabled = !this.list.beside(item.key, 1);
  }

  /** @param {Item} item */
  #showState(item) {
    byId("detail-read").textContent = item.readAt ? words.markUnread : words.markRead;
    byId("detail-archive").textContent = item.archivedAt ? words.unarchive : words.archive;
    const away = item.snoozedUntil !== null && item.snoozedUntil.getTime() > Date.now();
    byId("detail-snooze").textContent = away ? words.wake : words.snooze;
    byId("detail-facts").replaceChildren(...facts(item));
  }

  /** @param {boolean} whole */
  #showBody(whole) {
    const body = this.#item?.message?.body ?? "";
    const place = byId("detail-body");
    place.hidden = body === "";
    place.tabIndex = whole ? 0 : -1;
    showText(place, byId("detail-more-body"), { parts: lines(body), length: body.length, whole });
    if (whole) place.focus();
  }

  /** @param {boolean} whole */
  #showJson(whole) {
    const raw = this.#item?.raw ?? "";
    const place = byId("detail-json");
    showText(place, byId("detail-more-json"), { parts: pretty(raw), length: raw.length, whole });
    if (whole) place.focus();
  }
}

/** Those that lead somewhere; an event is for a program that shows the notification. @param {Item} item */
function actions({ message }) {
  const links = [];
  for (const { label: text, url, style } of message?.actions ?? []) {
    const address = webAddress(url, location.origin);
    if (!address) continue;
    const link = make("a", `action ${style}`, text);
    Object.assign(link, { href: address.href, target: "_blank", rel: "noopener noreferrer", title: address.href });
    links.push(link, make("small", "quiet", address.host));
  }
  return links;
}

/** @param {Item} item */
function facts(item) {
  /** @type {[string, string | Date | null][]} */
  const all = [
    [words.factSeq, `#${item.seq}`],
    [words.factKey, item.key],
    [words.factCategory, item.category],
    [words.factPriority, item.priority === "normal" ? null : words.priorities[item.priority]],
    [words.factCreated, item.createdAt],
    [words.factExpires, item.expiresAt],
    [words.factAcked, item.ackedAt],
    [words.factSeen, item.seenAt],
    [words.factRead, item.readAt],
    [words.factArchived, item.archivedAt],
    [words.factSnoozed, item.snoozedUntil],
  ];
  return all.flatMap(([name, value]) =>
    value === null ? [] : [make("dt", "", name), make("dd", "", value instanceof Date ? exact(value) : value)],
  );
}

/** @param {HTMLElement} button @param {string} text */
async function copy(button, text) {
  const copied = await copyText(text);
  label(button, copied ? words.copied : words.copyFailed);
  if (!copied) return;
  const icon = button.querySelector("use");
  icon?.setAttribute("href", "#icon-done");
  setTimeout(() => {
    icon?.setAttribute("href", "#icon-copy");
    label(button, words.copy);
  }, COPIED_SHOWN);
}
