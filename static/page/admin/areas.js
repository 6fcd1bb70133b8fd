/**
 * The way between the inbox and the views for operators. The address says which is shown,
 * so that reload and back work. All but this file is fetched when a view is opened first.
 */
import { byId, make } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { showPlace } from "../shared/title.js";
import { format, parse } from "./shared/address.js";

/** @typedef {import("../session/session.js").Session} Session */
/** @typedef {import("./shared/view.js").View} View */
/** @typedef {"users" | "recipients" | "keys" | "audit"} Area */

const AREAS = /** @type {Area[]} */ (["users", "recipients", "keys", "audit"]);

/** @type {Promise<typeof import("./views.js")> | undefined} */
let loading;

export class Areas {
  #place = byId("admin");
  #navigation = byId("areas");
  #inbox = link("", words.areaNames.inbox);
  #links = new Map(AREAS.map((area) => [area, link(area, words.areaNames[area])]));
  /** @type {View | null} */
  #view = null;
  #inboxScroll = 0;
  #turn = 0;
  #listening = new AbortController();

  /** @param {Session} session of a superuser */
  constructor(session) {
    this.session = session;
    this.#navigation.replaceChildren(this.#inbox, ...this.#links.values());
    this.#navigation.hidden = false;
    this.#linkOf("recipients").hidden = true;
    addEventListener("hashchange", () => this.#show(), { signal: this.#listening.signal });
    addEventListener("keydown", (event) => this.#search(event), { signal: this.#listening.signal });
    this.#show();
  }

  close() {
    this.#listening.abort();
    this.#leave();
    this.#turn++;
    this.#navigation.hidden = true;
    this.#mark("");
    showPlace("");
  }

  /** Show the view that the address names. */
  async #show() {
    const address = parse(location.hash);
    const area = AREAS.find((name) => name === address.area);
    const turn = ++this.#turn;
    this.#leave();
    this.#mark(area ?? "");
    showPlace(area ? words.areaNames[area] : "");
    if (this.#linkOf("recipients").hidden) this.#lookForRecipients();
    if (!area) return scrollTo({ top: this.#inboxScroll, behavior: "instant" });
    try {
      loading ??= fetchViews();
      const { open } = await loading;
      if (turn !== this.#turn) return;
      this.#view = open(area, address, this.session);
      this.#place.replaceChildren(this.#view.element);
      scrollTo({ top: 0, behavior: "instant" });
      this.#view.start();
    } catch (error) {
      console.warn(error);
      if (turn === this.#turn) this.#place.replaceChildren(unavailable());
    }
  }

  #leave() {
    this.#view?.close();
    this.#view = null;
    this.#place.replaceChildren();
  }

  /** @param {Area | ""} area where one is */
  #mark(area) {
    if (area && this.#place.hidden) this.#inboxScroll = document.documentElement.scrollTop;
    this.#place.hidden = area === "";
    byId("feed-column").hidden = area !== "";
    byId("inbox").dataset.area = area;
    this.#inbox.ariaCurrent = area === "" ? "page" : null;
    for (const [name, element] of this.#links) element.ariaCurrent = name === area ? "page" : null;
    if (area) this.#linkOf(area).hidden = false;
  }

  /** @param {Area} area */
  #linkOf(area) {
    return /** @type {HTMLAnchorElement} */ (this.#links.get(area));
  }

  /** The same key as in the inbox leads to a view's search. @param {KeyboardEvent} event */
  #search(event) {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
    const search = this.#place.querySelector("input[type=search]");
    if (search) event.preventDefault();
    search?.focus();
  }

  /** They are shown where there are any. */
  async #lookForRecipients() {
    const { signal } = this.#listening;
    try {
      const { recipients } = await this.session.call("GET", "/api/admin/recipients/?limit=1", undefined, signal);
      if (recipients.length) this.#linkOf("recipients").hidden = false;
    } catch {
      // Whoever knows the address still gets there.
    }
  }
}

/** @param {string} area @param {string} name */
function link(area, name) {
  const element = make("a", "", name);
  element.href = format(area);
  return element;
}

async function fetchViews() {
  const { content } = byId("admin-modules");
  const sheet = content.querySelector("[rel=stylesheet]");
  const styled = new Promise((resolve, reject) => Object.assign(sheet, { onload: resolve, onerror: reject }));
  document.head.append(content);
  const [views] = await Promise.all([import("./views.js"), styled]);
  return views;
}

/** What failed to load is remembered as failed: only a new page asks again. */
function unavailable() {
  const reload = make("button", "primary", words.reload);
  reload.addEventListener("click", () => location.reload());
  const said = make("p", "notice bad", words.areaMissing);
  said.setAttribute("role", "alert");
  return make("div", "empty", said, reload);
}
