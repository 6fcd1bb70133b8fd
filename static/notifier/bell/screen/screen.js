/** What people see beside the button, and the inbox behind it: fetched when somebody wants to. */
export { Inbox } from "../../inbox/inbox.js";

// What it stands on, named here so that a browser fetches all of it side by side.
import "../../../notifier-inbox.js"; // what the inbox is made of
import "./heights.js"; // where each row begins
import "./icons.js"; // drawings
import "./link.js"; // where an address leads
import "./list.js"; // a list of any length
import "./menu.js"; // when they come back
import "./notice.js"; // what was done
import "./parts.js"; // what rows and toasts have in common
import "./place.js"; // where a box opens
import "./row.js"; // what a row looks like
import "./rows.js"; // what is one row
import "./template.js"; // and the page's own rows
import { Commands } from "./commands.js"; // what a person does
import { Popover } from "./popover.js"; // what opens
import { styles } from "./styles.js"; // how it looks
import { tabsOf } from "./tabs.js"; // which notifications
import { Times } from "./time.js"; // times as people say them
import { Toasts } from "./toast.js"; // what has just come
import english from "./words.js"; // what is said

/**
 * @typedef {object} Wishes
 * @property {HTMLElement} button where it opens
 * @property {import("./commands.js").Inbox} inbox
 * @property {import("../language.js").Language} language
 * @property {import("./row.js").Rendering["renderItem"]} renderItem
 * @property {(type: string, detail: unknown) => boolean} tell the page, which may do the rest itself: then it is false
 */

/** The list that opens at a bell, and what shows in a corner. */
export class Screen {
  /** @param {HTMLElement} bell whose attributes say what it is like @param {Wishes} wishes */
  constructor(bell, { button, inbox, language, renderItem, tell }) {
    const { locale, direction } = language;
    const words = { ...english, ...language.words };
    const commands = new Commands(inbox, words, tell, {
      say: (said) => this.popover.notice.say(said),
      close: () => this.close(),
    });
    const rendering = {
      commands,
      words,
      headline: (/** @type {import("./commands.js").Item} */ item) => language.headline(item),
      times: new Times(locale, words.justNow),
      images: bell.hasAttribute("images"),
      renderItem,
      template: bell.querySelector("template"),
    };
    this.popover = new Popover(button, rendering, {
      tabs: tabsOf(bell.getAttribute("tabs"), bell.getAttribute("categories"), words),
      readOnOpen: bell.getAttribute("read") === "open",
      placement: bell.getAttribute("placement") ?? "end",
    });
    this.toasts = new Toasts(rendering);
    const root = /** @type {ShadowRoot} */ (bell.shadowRoot);
    root.adoptedStyleSheets = [...new Set([...root.adoptedStyleSheets, styles()])];
    for (const { element } of [this.popover, this.toasts]) {
      element.lang = locale;
      if (direction) element.dir = direction;
      root.append(element);
    }
  }

  get isOpen() {
    return this.popover.element.open;
  }

  /** Where a screen reader listens while it is open. */
  get live() {
    return this.isOpen ? this.popover.live : null;
  }

  open() {
    this.toasts.clear();
    this.popover.open();
  }

  close() {
    this.popover.element.close();
  }

  /** What has come, where it can't be seen in the list. @param {import("./commands.js").Item} item */
  toast(item) {
    if (!this.isOpen) this.toasts.show(item);
  }

  /** Take it out of the page for good. */
  remove() {
    this.popover.remove();
    this.toasts.element.remove();
  }
}
