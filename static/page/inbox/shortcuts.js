/** Keys that do what buttons do, and the sheet that tells of them. */
import { byId, make } from "../shared/dom.js";
import { words } from "../shared/language.js";

/**
 * `g i` are two keys, one after the other.
 * @typedef {keyof typeof words.shortcuts} Name
 * @typedef {"list" | "detail" | "elsewhere"} Place all work in the list
 * @typedef {{ name: Name, keys: string[], action: () => void, detail?: true, elsewhere?: true }} Shortcut
 */

const SECOND_KEY = 1_500;

export class Shortcuts {
  /** @type {HTMLDialogElement} */
  #sheet = byId("help");
  #first = "";
  #timer = 0;

  /**
   * @param {import("./preferences.js").Preferences} preferences
   * @param {Shortcut[]} shortcuts
   * @param {() => Place | ""} place where one is: what is open may have its own use of keys
   */
  constructor(preferences, shortcuts, place) {
    this.preferences = preferences;
    this.place = place;
    /** @type {Shortcut[]} */
    this.shortcuts = [...shortcuts, { name: "help", keys: ["?"], action: () => this.help(), elsewhere: true }];
    addEventListener("keydown", (event) => this.#press(event));
    byId("help-open").addEventListener("click", () => this.help());
    byId("help-close").addEventListener("click", () => this.#sheet.close());
    byId("help-keys").replaceChildren(...this.shortcuts.flatMap(line));
  }

  help() {
    byId("view").hidePopover();
    this.#sheet.showModal();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || ownUse(event)) return;
    const place = this.place();
    if (!place || (this.preferences.get("shortcuts") === false && event.key.length === 1)) return;
    const pressed = this.#first ? `${this.#first} ${event.key}` : event.key;
    this.#await("");
    const found = this.shortcuts.find((one) => one.keys.includes(pressed) && (place === "list" || one[place]));
    if (found) {
      event.preventDefault();
      found.action();
    } else if (this.shortcuts.some(({ keys }) => keys.some((key) => key.startsWith(`${pressed} `)))) {
      this.#await(pressed);
    }
  }

  /** @param {string} first key of two */
  #await(first) {
    this.#first = first;
    clearTimeout(this.#timer);
    if (first) this.#timer = window.setTimeout(() => (this.#first = ""), SECOND_KEY);
  }
}

/** Whether the browser has a use of its own for this key where it is pressed. @param {KeyboardEvent} event */
function ownUse({ target, key }) {
  if (!(target instanceof Element)) return false;
  // Outside of the list the arrows scroll, or choose.
  if (key.startsWith("Arrow")) return target.closest("#feed") === null;
  if (key === "Enter") return target.matches("a, button, summary, input, textarea, select");
  return target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
}

/** @param {Shortcut} shortcut */
function line({ name, keys }) {
  const shown = keys.flatMap((key, index) => {
    const parts = key.split(" ").flatMap((part) => [make("kbd", "", SIGNS[part] ?? part), " "]);
    return index ? [`${words.or} `, ...parts] : parts;
  });
  return [make("dt", "", ...shown), make("dd", "", words.shortcuts[name])];
}

/** @type {Record<string, string>} */
const SIGNS = { ArrowDown: "↓", ArrowUp: "↑" };
