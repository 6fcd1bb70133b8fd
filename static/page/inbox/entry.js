/** What the page remembers of a notification while it is in a list. */
import { flat } from "../shared/json.js";
import { words } from "../shared/language.js";

const LONGEST_HEADLINE = 300;
const STEP = 2_000;

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */

export class Entry {
  /** Lower-case text for the filter. @type {string | undefined} */
  #searchable;

  /** @param {Item} item as it is now; another one takes its place when it changes */
  constructor(item) {
    this.item = item;
    this.key = item.key;
  }

  /** Whether `contains` answers at once. */
  get searchable() {
    return this.#searchable !== undefined;
  }

  /** Get ready for `contains`, in steps. */
  *prepare() {
    const { title = "", body = "" } = this.item.message ?? {};
    const ready = [`${title}\n${body}\n`.toLowerCase()];
    let next = "";
    for (const part of flat(this.item.raw)) {
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

/** Gets entries ready for the filter, in steps; also those that come meanwhile. @param {Iterable<Entry>} entries */
export function* preparing(entries) {
  for (const entry of entries) if (!entry.searchable) yield* entry.prepare();
}

/** A line for screen readers. @param {Item} item */
export function headline({ message }) {
  const { title = "", body = "" } = message ?? {};
  const said = title.trim() || body.trimStart().split("\n", 1)[0] || words.untitled;
  return said.slice(0, LONGEST_HEADLINE);
}
