/** The last notifications of one person, with the key that sent each. */
import { make, say } from "../../shared/dom.js";
import { showText } from "../../inbox/excerpt.js";
import { pretty } from "../../shared/json.js";
import { explain } from "../shared/faults.js";
import { words } from "../shared/language.js";
import { badge, button, empty, exactly, past } from "../shared/parts.js";

/** @typedef {import("../shared/api.js").Kept} Kept */

const PAGE = "20";
const MOST_SHOWN = 200;

export class KeptList {
  #list = make("ol", "kept");
  #fault = make("p", "notice bad");
  #more = button("", words.older, () => this.#ask());
  #after = "";
  #asking = false;

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {"users" | "recipients"} kind
   * @param {string} id
   */
  constructor(api, kind, id) {
    this.api = api;
    this.kind = kind;
    this.id = id;
    this.#fault.setAttribute("role", "alert");
    say(this.#fault);
    const title = make("h3", "", words.lastNotifications);
    this.element = make("section", "part", title, this.#list, this.#fault, this.#more);
  }

  /** The first page, for a view that shows it when everything is there. @param {AbortSignal} signal */
  async load(signal) {
    this.signal = signal;
    this.#show(await this.#page(signal));
    if (!this.#list.hasChildNodes()) this.#list.replaceWith(empty(words.nothingKept));
    return this.element;
  }

  async #ask() {
    // A button that is disabled would lose the focus.
    if (this.#asking) return;
    this.#asking = true;
    say(this.#fault);
    try {
      this.#show(await this.#page(/** @type {AbortSignal} */ (this.signal)));
    } catch (error) {
      const { title, text } = explain(error);
      if (!this.signal?.aborted) say(this.#fault, `${title}. ${text}`);
    }
    this.#asking = false;
  }

  /** @param {AbortSignal} signal */
  #page(signal) {
    return this.api.notifications(this.kind, this.id, { after: this.#after, limit: PAGE }, signal);
  }

  /** @param {{ notifications: Kept[], next: string | null }} page */
  #show({ notifications, next }) {
    const items = notifications.map(item);
    this.#list.append(...items);
    this.#after = next ?? "";
    const focused = document.activeElement === this.#more;
    this.#more.hidden = next === null || this.#list.childElementCount >= MOST_SHOWN;
    if (focused) items[0]?.focus();
  }
}

/** @param {Kept} kept */
function item(kept) {
  const { seq, key, created_at, sent_by, raw } = kept;
  const sender = sent_by ? words.sentBy(sent_by.name) : words.sentWithoutKey;
  const head = make("p", "kept-head", make("b", "", `#${seq}`), " ", past(created_at), " ", state(kept));
  const origin = make("p", "hint", `${sender} · ${key}`);
  const element = make("li", "", head, origin, payload(raw));
  element.tabIndex = -1;
  return element;
}

/** Whether it has arrived. @param {Kept} kept */
function state({ acked_at, expires_at }) {
  if (acked_at) return make("span", "", badge(words.acknowledged, "good"), " ", past(acked_at));
  if (!expires_at) return badge(words.waiting, "warn");
  const expired = Date.parse(expires_at) <= Date.now();
  const mark = badge(expired ? words.expired : words.waitingUntil, expired ? "bad" : "warn");
  return make("span", "", mark, " ", exactly(expires_at));
}

/** As it was sent: its beginning, and all of it on demand. @param {string} raw */
function payload(raw) {
  const place = make("pre", "json");
  const more = make("button", "plain more");
  place.dir = "ltr";
  place.tabIndex = 0;
  more.type = "button";
  const show = (/** @type {boolean} */ whole) =>
    showText(place, more, { parts: pretty(raw), length: raw.length, whole });
  more.addEventListener("click", () => {
    show(true);
    place.focus();
  });
  show(false);
  return make("div", "", place, more);
}
