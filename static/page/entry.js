/** One notification of the feed: what it says, and what the person did with it. */
import { pretty } from "./json.js";
import { words } from "./language.js";

const LEVELS = ["info", "success", "warning", "error"];

export class Entry {
  /** Lower-case text for the filter, made when first needed. @type {string | undefined} */
  #haystack;

  /** @param {import("../notifier.js").ServerNotification} notification */
  constructor({ key, seq, value, raw, createdAt }) {
    this.key = key;
    this.seq = seq;
    this.raw = raw;
    this.createdAt = createdAt;
    this.message = asMessage(value);
    /** Whether the JSON is unfolded; a message that reads well needs none. */
    this.open = this.message === null;
    /** Whether a long JSON is shown to its end. */
    this.whole = false;
  }

  /** A line for desktop notifications and screen readers. */
  get headline() {
    return this.message?.title ?? words.untitled;
  }

  /** @param {string} needle lower-case */
  contains(needle) {
    this.#haystack ??= pretty(this.raw).map(({ text }) => text).join("").toLowerCase();
    return this.#haystack.includes(needle);
  }
}

/**
 * A payload that is meant to be read: `title`, and perhaps `body`, `url`, `level`.
 * @param {any} value
 */
export function asMessage(value) {
  if (typeof value !== "object" || value === null) return null;
  const { title, body = "", url = "", level = "" } = value;
  if ([title, body, url, level].some((field) => typeof field !== "string")) return null;
  if (title.trim() === "") return null;
  return { title, body, url: webAddress(url), level: LEVELS.includes(level) ? level : "" };
}

/** Only the web: a `javascript:` address would run as this page. @param {string} text */
function webAddress(text) {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  return new URL(text);
}
