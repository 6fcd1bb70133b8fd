import { elsewhere } from "./link.js";

/**
 * @typedef {import("../../../notifier-inbox.d.ts").Inbox} Inbox
 * @typedef {import("../../../notifier-inbox.d.ts").Item} Item
 * @typedef {import("../../../notifier-inbox.d.ts").Action} Action
 * @typedef {import("../../../notifier-inbox.d.ts").Changed} Changed
 * @typedef {{ text: string, undo?: () => void }} Said
 */

/**
 * What a person does, sent to the inbox; what the page may want to do itself, told to it first.
 *
 * Nothing here waits for the server before the screen changes: the inbox shows a change at once
 * and takes it back when it is refused.
 */
export class Commands {
  #words;
  #screen;
  /**
   * @param {Inbox} inbox
   * @param {import("../words.js").Words} words
   * @param {(type: string, detail: unknown) => boolean} tell the page; false if it does the rest itself
   * @param {{ say: (said: Said) => void, close: () => void }} screen
   */
  constructor(inbox, words, tell, screen) {
    this.inbox = inbox;
    this.#words = words;
    this.tell = tell;
    this.#screen = screen;
  }

  /** @param {readonly Item[]} items */
  read(items) {
    const keys = keysOf(items.filter(({ readAt }) => !readAt));
    if (keys.length) this.#try(this.inbox.read(keys));
  }

  /** Mark all of them as read; if they are, as unread. @param {readonly Item[]} items */
  toggleRead(items) {
    if (items.some(({ readAt }) => !readAt)) this.read(items);
    else this.#try(this.inbox.unread(keysOf(items)));
  }

  /** @param {readonly Item[]} items */
  see(items) {
    const keys = keysOf(items.filter(({ seenAt }) => !seenAt));
    // The next opening shows them again, so nobody needs to hear that it failed.
    if (keys.length) this.inbox.seen(keys).catch(() => {});
  }

  /** Archive them, or move them back if they are. @param {readonly Item[]} items */
  toggleArchived(items) {
    const keys = keysOf(items);
    if (items.every(({ archivedAt }) => archivedAt)) this.#try(this.inbox.unarchive(keys));
    else this.#try(this.inbox.archive(keys), this.#words.done.archive);
  }

  /** @param {readonly Item[]} items @param {Date} until */
  snooze(items, until) {
    this.#try(this.inbox.snooze(keysOf(items), until), this.#words.done.snooze);
  }

  /** @param {string | null} category null for all */
  readAll(category) {
    this.#try(this.inbox.readAll({ category }), this.#words.done.readAll);
  }

  /**
   * A link was clicked. The request that says so outlives the page.
   * @param {MouseEvent} event @param {readonly Item[]} items @param {URL} url
   */
  follow(event, items, url) {
    this.read(items);
    if (elsewhere(event)) return;
    if (!this.tell("navigate", { item: items[0], url: url.href })) event.preventDefault();
    this.#screen.close();
  }

  /** A button without a link was pressed. @param {Item} item @param {Action} action */
  act(item, action) {
    this.read([item]);
    this.tell("action", { item, action });
  }

  /** @param {Promise<Changed | void>} change @param {string} [done] what to say, with an offer to undo it */
  async #try(change, done) {
    try {
      const made = await change;
      if (!done || made?.changed === false) return;
      // What is undone offers no more.
      const undo = made ? () => this.#try(made.undo(), this.#words.done.undo) : undefined;
      this.#screen.say({ text: done, undo });
    } catch {
      this.#screen.say({ text: this.#words.notDone });
    }
  }
}

/** @param {readonly Item[]} items */
function keysOf(items) {
  return items.map(({ key }) => key);
}
