/**
 * The element: what its attributes ask for, the inbox behind it, the button with the count.
 *
 * It is made anew, popover and all, whenever an attribute or a property changes what is written;
 * the inbox only when it would be another one.
 */
import { Inbox } from "../../notifier-inbox.js";
import { Announcer } from "./announcing.js";
import { capped, FaviconBadge, TitleBadge } from "./badge.js";
import { Commands } from "./commands.js";
import { icon, make } from "./dom.js";
import { Language } from "./language.js";
import { Popover } from "./popover.js";
import { headline } from "./row.js";
import { sound } from "./sound.js";
import { styles } from "./styles.js";
import { tabsOf } from "./tabs.js";
import { Toasts } from "./toast.js";
import { fetchToken } from "./token.js";

/**
 * @typedef {import("./commands.js").Inbox} Client
 * @typedef {import("./commands.js").Item} Item
 * @typedef {{ popover: Popover, toasts: Toasts, announcer: Announcer, language: Language, commands: Commands }} Screen
 */

const WHOSE = ["user", "user-id", "url", "token-url"];
const LOOKS = ["tabs", "categories", "lang", "read", "images", "placement"];
const BADGES = ["badge", "title-badge", "favicon-badge"];
const PROPERTIES = ["getToken", "renderItem", "words", "inbox"];

/** What came while nobody was connected is counted, but is no news for a corner of the screen. */
const RECENT = 60_000;

/** A program without a document may import this, and never makes one. */
const Base = globalThis.HTMLElement ?? class {};

export class NotifierBell extends Base {
  static observedAttributes = [...WHOSE, ...LOOKS, ...BADGES];

  /** @type {(() => string | null | undefined | Promise<string | null | undefined>) | null} */
  #getToken = null;
  /** @type {import("./row.js").Rendering["renderItem"]} */
  #renderItem = null;
  /** @type {Partial<import("./language.js").Words>} */
  #words = {};
  /** @type {Client | null} */
  #given = null;
  /** @type {Client | null} */
  #inbox = null;
  #listening = new AbortController();
  /** @type {Screen | null} */
  #screen = null;
  /** @type {TitleBadge | null} */
  #title = null;
  /** @type {FaviconBadge | null} */
  #favicon = null;
  #counted = "";
  /** What has changed since the last time that everything was put in place. @type {Set<"inbox" | "screen">} */
  #stale = new Set();
  /** @type {Promise<void> | null} */
  #refreshing = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [styles()];
    this.count = make("span", { part: "badge", "aria-hidden": "true", hidden: true });
    this.button = make(
      "button",
      { type: "button", part: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.open() },
      make("slot", { name: "icon" }, icon("bell")),
      this.count,
    );
    this.live = make("div", { part: "unseen-text", role: "status" });
    root.append(this.button, this.live);
  }

  get getToken() {
    return this.#getToken;
  }

  set getToken(getToken) {
    this.#getToken = getToken;
    if (!this.#inbox) this.#refresh("inbox");
  }

  get renderItem() {
    return this.#renderItem;
  }

  set renderItem(renderItem) {
    this.#renderItem = renderItem;
    this.#refresh("screen");
  }

  get words() {
    return this.#words;
  }

  set words(words) {
    this.#words = words;
    this.#refresh("screen");
  }

  /** The inbox behind it: the page's, or its own. */
  get inbox() {
    return this.#given ?? this.#inbox;
  }

  set inbox(inbox) {
    this.#given = inbox;
    this.#refresh("inbox");
  }

  connectedCallback() {
    for (const name of PROPERTIES) this.#adopt(name);
    this.#refresh("inbox");
  }

  disconnectedCallback() {
    // Moving it takes it out and puts it in again.
    queueMicrotask(() => {
      if (!this.isConnected) this.#leave();
    });
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (BADGES.includes(name)) this.#showCounts();
    else this.#refresh(WHOSE.includes(name) ? "inbox" : "screen");
  }

  /** Show the list, if the page lets it. */
  open() {
    if (!this.#screen || this.#screen.popover.isOpen) return;
    if (!this.#screen.commands.tell("open", null)) return;
    this.#screen.toasts.clear();
    this.#screen.popover.open();
  }

  close() {
    this.#screen?.popover.close();
  }

  /** What was set before the element was defined. @param {string} name */
  #adopt(name) {
    if (!Object.hasOwn(this, name)) return;
    const self = /** @type {any} */ (this);
    const value = self[name];
    delete self[name];
    self[name] = value;
  }

  /** @param {"inbox" | "screen"} what */
  #refresh(what) {
    this.#stale.add(what);
    if (this.isConnected) this.#refreshing ??= this.#renew().finally(() => (this.#refreshing = null));
  }

  /** Once for all that changes together. */
  async #renew() {
    while (this.#stale.size) {
      await null;
      const another = this.#stale.has("inbox");
      this.#stale.clear();
      const language = await Language.speaking(this.#locale, this.#words);
      if (!this.isConnected) return;
      if (another) this.#takeInbox();
      this.#build(language);
    }
  }

  get #locale() {
    const nearest = this.closest("[lang]")?.getAttribute("lang");
    return nearest || navigator.language;
  }

  #takeInbox() {
    this.#listening.abort();
    this.#listening = new AbortController();
    this.#inbox?.close();
    this.#inbox = this.#given ? null : this.#connect();
    const { inbox } = this;
    if (!inbox) return;
    const { signal } = this.#listening;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) =>
      inbox.addEventListener(type, listener, { signal });
    on("counts", () => this.#showCounts());
    on("status", () => this.#showCounts());
    on("notification", ({ detail }) => this.#arrived(detail));
    on("withdrawn", ({ detail }) => this.#screen?.toasts.forget(detail));
    on("error", ({ detail }) => this.dispatchEvent(new CustomEvent("error", { detail })));
  }

  /** An inbox of its own, as soon as it is known whose. @returns {Client | null} */
  #connect() {
    const [user, userId, url, address] = ["user", "user-id", "url", "token-url"].map((name) => this.getAttribute(name));
    if ((!user && !userId) || (!address && !this.#getToken)) return null;
    const whose = user ? { user } : { userId: userId ?? "" };
    const inbox = new Inbox({
      ...whose,
      url: url ? new URL(url, document.baseURI).href.replace(/\/$/, "") : new URL(import.meta.url).origin,
      getToken: () => (this.#getToken ? this.#getToken() : fetchToken(address ?? "")),
    });
    inbox.connect();
    return inbox;
  }

  /** @param {Language} language */
  #build(language) {
    this.#clear();
    this.button.setAttribute("aria-label", language.words.label(0));
    const { inbox } = this;
    if (!inbox) return;
    const commands = new Commands(inbox, this, language.words, {
      say: (said) => popover.notice.say(said),
      close: () => this.close(),
    });
    const popover = new Popover(this.button, {
      tabs: tabsOf(this.getAttribute("tabs"), this.getAttribute("categories"), language.words),
      readOnOpen: this.getAttribute("read") === "open",
      placement: this.getAttribute("placement") ?? "end",
      rendering: {
        commands,
        language,
        images: this.hasAttribute("images"),
        renderItem: this.#renderItem,
        template: this.querySelector("template"),
      },
    });
    const toasts = new Toasts(commands, language);
    const announcer = new Announcer(() => (popover.isOpen ? popover.live : this.live), language.words);
    this.#screen = { popover, toasts, announcer, language, commands };
    this.shadowRoot?.append(popover.element, toasts.element);
    this.#counted = "";
    this.#showCounts();
  }

  #clear() {
    this.#screen?.popover.remove();
    this.#screen?.toasts.element.remove();
    this.#screen = null;
  }

  #leave() {
    this.#listening.abort();
    this.#inbox?.close();
    this.#inbox = null;
    this.#clear();
    this.#badges(0);
    this.#title?.remove();
    this.#favicon?.remove();
    this.#title = this.#favicon = null;
  }

  #showCounts() {
    const inbox = this.inbox;
    if (!inbox || !this.#screen) return;
    const { unread = 0, unseen = 0 } = (inbox.status.state !== "closed" && inbox.counts) || {};
    const counted = `${unread} ${unseen}`;
    this.#badges(this.getAttribute("badge") === "unread" ? unread : unseen);
    if (counted === this.#counted) return;
    this.#counted = counted;
    this.#screen.commands.tell("unread-change", { unread, unseen });
  }

  /** @param {number} count */
  #badges(count) {
    this.count.hidden = count === 0 || this.getAttribute("badge") === "none";
    this.count.textContent = capped(count);
    const words = this.#screen?.language.words;
    if (words) this.button.setAttribute("aria-label", words.label(count));
    if (this.hasAttribute("title-badge")) this.#title ??= new TitleBadge();
    this.#title?.show(this.hasAttribute("title-badge") ? count : 0);
    if (this.hasAttribute("favicon-badge")) this.#favicon ??= new FaviconBadge();
    this.#favicon?.show(this.hasAttribute("favicon-badge") ? count : 0);
  }

  /** @param {Item} item */
  #arrived(item) {
    const screen = this.#screen;
    if (!screen || !screen.commands.tell("notification", item)) return;
    screen.announcer.announce(headline(item, screen.language.words));
    if (item.priority === "low" || Date.now() - item.createdAt.getTime() > RECENT) return;
    if (this.hasAttribute("sound")) sound(item);
    const elsewhere = document.visibilityState === "visible" && !screen.popover.isOpen;
    if (this.hasAttribute("toasts") && elsewhere) screen.toasts.show(item);
  }
}
