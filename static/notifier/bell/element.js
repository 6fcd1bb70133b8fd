/**
 * The element: what its attributes ask for, the inbox behind it, the button with the count.
 *
 * What opens at it is fetched when it is wanted, and made anew whenever an attribute or a property
 * changes what is written; the inbox only when it would be another one.
 */
import { NotifierClient } from "../client.js";
import { Access } from "../inbox/access.js";
import { arrived } from "../inbox/item.js";
import { Announcer } from "./announcing.js";
import { BELL, drawing, make } from "./dom.js";
import { Language } from "./language.js";
import { styles } from "./styles.js";
import { fetchToken } from "./token.js";

/**
 * @typedef {import("../../notifier-inbox.d.ts").Inbox} Inbox
 * @typedef {import("../../notifier-inbox.d.ts").Item} Item
 * @typedef {import("./badges.js").Badges} Badges
 * @typedef {import("./screen/screen.js").Screen} Screen
 */

const WHOSE = ["user", "user-id", "url", "token-url"];
const LOOKS = ["tabs", "categories", "lang", "read", "images", "placement"];
const BADGES = ["badge", "title-badge", "favicon-badge"];
const PROPERTIES = ["getToken", "renderItem", "words", "inbox"];

/** What came while nobody was connected is counted, but is no news for a corner of the screen. */
const RECENT = 60_000;
const MOST = 99;

const fetchScreen = () => import("./screen/screen.js");

/** A program without a document may import this, and never makes one. */
const Base = globalThis.HTMLElement ?? class {};

export class NotifierBell extends Base {
  static observedAttributes = [...WHOSE, ...LOOKS, ...BADGES];

  /** @type {(() => string | null | undefined | Promise<string | null | undefined>) | null} */
  #getToken = null;
  /** @type {import("./screen/row.js").Rendering["renderItem"]} */
  #renderItem = null;
  /** @type {Partial<import("./words.js").Words>} */
  #words = {};
  /** @type {Inbox | null} */
  #given = null;
  /** What it takes to have one. @type {{ options: import("../../notifier-inbox.d.ts").InboxOptions, access: Access, client: NotifierClient } | null} */
  #line = null;
  /** Its own, once somebody has wanted to look into it. @type {Inbox | null} */
  #inbox = null;
  #listening = new AbortController();
  /** As soon as it can be shown. @type {Language | null} */
  #language = null;
  /** @type {Announcer | null} */
  #announcer = null;
  /** Once somebody has wanted to see it. @type {Screen | null} */
  #screen = null;
  /** @type {Promise<Screen | null> | null} */
  #showing = null;
  #opening = false;
  /** @type {Promise<Badges> | null} */
  #badges = null;
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
    const warm = () => this.#warm();
    this.button = make(
      "button",
      { part: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.open(), onpointerenter: warm, onfocus: warm },
      make("slot", { name: "icon" }, drawing(BELL)),
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
    if (!this.#line) this.#refresh("inbox");
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

  /** The inbox behind it: the page's, or its own, which is fetched with what opens. */
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
    if (!this.#language || this.#opening || this.#screen?.isOpen) return;
    if (this.#tell("open", null)) this.#open();
  }

  async #open() {
    this.#opening = true;
    this.button.ariaBusy = "true";
    const made = await this.#show();
    this.button.ariaBusy = null;
    if (this.#opening) made?.open();
    this.#opening = false;
  }

  close() {
    this.#opening = false;
    this.#screen?.close();
  }

  /** Fetch what opens, without opening it. @returns the inbox behind it; null if there is none */
  async prepare() {
    await this.#refreshing;
    await this.#show();
    return this.inbox;
  }

  /** Tell the page; false if it does the rest itself. @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  /** It is about to be opened. Where there is no connection, a browser might remember that it failed. */
  #warm() {
    if (this.#source?.status.state === "connected") fetchScreen().catch(() => {});
  }

  /** What opens, and what shows in a corner; null if it can't be had. */
  #show() {
    this.#showing ??= fetchScreen()
      .then((module) => this.#made(module))
      .catch((error) => this.#failed(error))
      .then((made) => {
        if (!made) this.#showing = null;
        return made ?? null;
      });
    return this.#showing;
  }

  /** As everything is by now. @param {typeof import("./screen/screen.js")} module */
  #made({ Inbox, Screen }) {
    if (this.#line && !this.#inbox) {
      this.#inbox = new Inbox(this.#line.options, this.#line);
      this.#listen();
    }
    const { inbox } = this;
    if (!inbox || !this.#language) return null;
    this.#screen ??= new Screen(this, {
      button: this.button,
      inbox,
      language: this.#language,
      renderItem: this.#renderItem,
      tell: (type, detail) => this.#tell(type, detail),
    });
    return this.#screen;
  }

  /** @param {unknown} error */
  #failed(error) {
    this.dispatchEvent(new CustomEvent("error", { detail: error }));
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
    this.#hangUp();
    this.#line = this.#given ? null : this.#connect();
    this.#listen();
  }

  #hangUp() {
    this.#listening.abort();
    (this.#inbox ?? this.#line?.client)?.close();
    this.#inbox = this.#line = null;
  }

  /** Where counts and notifications come from: until somebody has wanted to look into it, the line is enough. */
  get #source() {
    return this.inbox ?? this.#line?.client ?? null;
  }

  #listen() {
    this.#listening.abort();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) =>
      this.#source?.addEventListener(type, listener, { signal });
    // A line says "inbox" and "state", and an inbox "counts" and "status".
    for (const type of ["inbox", "state", "counts", "status", "notification"]) on(type, () => this.#showCounts());
    on("notification", ({ detail }) => this.#arrived(this.inbox ? detail : arrived(detail, new Date())));
    on("withdrawn", ({ detail }) => this.#showing?.then((made) => made?.toasts.forget(detail)));
    on("error", ({ detail }) => this.#failed(detail));
  }

  /** A line of its own, as soon as it is known whose. */
  #connect() {
    const [user, userId, url, address] = ["user", "user-id", "url", "token-url"].map((name) => this.getAttribute(name));
    if ((!user && !userId) || (!address && !this.#getToken)) return null;
    const whose = user ? { user } : { userId: userId ?? "" };
    const options = {
      ...whose,
      url: url ? new URL(url, document.baseURI).href.replace(/\/$/, "") : new URL(import.meta.url).origin,
      getToken: () => (this.#getToken ? this.#getToken() : fetchToken(address ?? "")),
    };
    const access = new Access(options.getToken, Date.now);
    const client = new NotifierClient({ ...options, events: "inbox", getToken: () => access.renew() });
    client.connect();
    return { options, access, client };
  }

  /** @param {Language} language */
  #build(language) {
    this.#clear();
    this.button.setAttribute("aria-label", language.words.label(0));
    if (!this.#source) return;
    this.#language = language;
    this.#announcer = new Announcer(() => this.#screen?.live ?? this.live, language.words);
    this.#counted = "";
    this.#showCounts();
  }

  #clear() {
    this.#screen?.remove();
    this.#screen = this.#showing = this.#language = null;
  }

  #leave() {
    this.#hangUp();
    this.#opening = false;
    this.#clear();
    this.#mark("");
    this.#badges?.then((badges) => badges.remove());
    this.#badges = null;
  }

  #showCounts() {
    const source = this.#source;
    if (!source || !this.#language) return;
    const { unread = 0, unseen = 0 } = (source.status.state !== "closed" && source.counts) || {};
    const counted = `${unread} ${unseen}`;
    const count = this.getAttribute("badge") === "unread" ? unread : unseen;
    this.button.setAttribute("aria-label", this.#language.words.label(count));
    this.#mark(count > MOST ? `${MOST}+` : count ? String(count) : "");
    if (counted === this.#counted) return;
    this.#counted = counted;
    this.#tell("unread-change", { unread, unseen });
  }

  /** Here and, if that is asked for, elsewhere. @param {string} count empty for none */
  #mark(count) {
    this.count.hidden = !count || this.getAttribute("badge") === "none";
    this.count.textContent = count;
    const [title, favicon] = ["title-badge", "favicon-badge"].map((name) => (this.hasAttribute(name) ? count : ""));
    if (title || favicon) this.#badges ??= import("./badges.js").then(({ Badges }) => new Badges());
    this.#badges?.then((badges) => badges.show(title, favicon)).catch((error) => {
      this.#badges = null;
      this.#failed(error);
    });
  }

  /** @param {Item} item */
  #arrived(item) {
    if (!this.#language || !this.#tell("notification", item)) return;
    this.#announcer?.announce(this.#language.headline(item));
    if (item.priority === "low" || Date.now() - item.createdAt.getTime() > RECENT) return;
    if (this.hasAttribute("sound")) this.#sound(item);
    if (this.hasAttribute("toasts")) this.#toast(item);
  }

  /** @param {Item} item */
  #sound(item) {
    import("./sound.js").then(({ sound }) => sound(item)).catch((error) => this.#failed(error));
  }

  /** @param {Item} item */
  async #toast(item) {
    if (document.visibilityState === "visible") (await this.#show())?.toast(item);
  }
}
