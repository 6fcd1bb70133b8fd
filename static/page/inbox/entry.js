/** One notification of the feed: what it says, and what the person did with it. */
import { flat } from "../shared/json.js";
import { words } from "../shared/language.js";

const LEVELS = /** @type {const} */ (["info", "success", "warning", "error"]);
const LONGEST_HEADLINE = 300;
const STEP = 2_000;

/**
 * @typedef {(typeof LEVELS)[number]} Level
 * @typedef {{ title: string, body: string, level: Level | null, address: string, url: URL | null }} Message
 */

export class Entry {
  /** Lower-case text for the filter. @type {string | undefined} */
  #searchable;

  /** @param {import("../../notifier.js").ServerNotification} notification */
  constructor({ key, seq, value, raw, createdAt }) {
    this.key = key;
    this.seq = seq;
    this.raw = raw;
    this.createdAt = createdAt;
    this.message = asMessage(value);
    /** Whether the JSON is unfolded; a message that reads well needs none. */
    this.open = this.message === null;
    /** Whether a long body, or a long JSON, is shown to its end. */
    this.wholeBody = false;
    this.wholeJson = false;
  }

  /** A line for screen readers. */
  get headline() {
    const { title = "", body = "" } = this.message ?? {};
    const said = title || body.trimStart().split("\n", 1)[0] || words.untitled;
    return said.slice(0, LONGEST_HEADLINE);
  }

  /** Whether `contains` answers at once. */
  get searchable() {
    return this.#searchable !== undefined;
  }

  /** Get ready for `contains`, in steps. */
  *prepare() {
    const { title = "", body = "" } = this.message ?? {};
    const ready = [`${title}\n${body}\n`.toLowerCase()];
    let next = "";
    for (const part of flat(this.raw)) {
      next += part;
      if (next.length < STEP) continue;
      ready.push(next.toLowerCase());
      yield (next = "");
    }
    this.#searchable = ready.join("") + next.toLowerCase();
  }

  /** @param {string} needle lower-case */
  contains(needle) {
    if (!this.searchable) for (const _ of this.prepare());
    return this.#searchable?.includes(needle) === true;
  }
}

/**
 * A payload that is meant to be read: a text, or an object with `title`, `body` or both, and
 * perhaps `url` and `level`.
 * @param {any} value
 * @returns {Message | null}
 */
export function asMessage(value) {
  if (typeof value === "string") return asMessage({ body: value });
  if (typeof value !== "object" || value === null) return null;
  const { title = "", body = "", url = "", level = "" } = value;
  if ([title, body, url, level].some((field) => typeof field !== "string")) return null;
  if (title.trim() === "" && body.trim() === "") return null;
  return {
    title: title.trim(),
    body,
    level: LEVELS.find((known) => known === level) ?? null,
    address: url,
    url: webAddress(url),
  };
}

/**
 * Where an address of a payload leads, seen from this page. Only to the web: a `javascript:`
 * address would run as this page. And not to a host that hides behind a name, as in
 * `https://bank.example@evil.example`.
 * @param {string} text
 */
function webAddress(text) {
  if (text.trim() === "" || !URL.canParse(text, location.origin)) return null;
  const url = new URL(text, location.origin);
  const safe = /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return safe ? url : null;
}
