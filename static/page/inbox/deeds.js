/** What a person does with notifications, what is said of it, and how it is taken back. */
import { words } from "../shared/language.js";

/** @typedef {import("../../notifier-inbox.js").Inbox} Model */
/** @typedef {import("../../notifier-inbox.d.ts").Changed} Changed */
/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {"read" | "unread" | "archive" | "unarchive"} Verb */

export class Deeds {
  /** @type {Model | null} */
  inbox = null;
  /** What was done last, and may not be answered yet. @type {Promise<void>} */
  #last = Promise.resolve();

  /** @param {import("./toast.js").Toast} toast */
  constructor(toast) {
    this.toast = toast;
  }

  /**
   * What needs no words, because it can be seen.
   * @param {"read" | "seen"} verb @param {string[]} keys @returns {Promise<boolean>} whether it was taken
   */
  async quietly(verb, keys) {
    try {
      await this.inbox?.[verb](keys);
      return true;
    } catch (error) {
      warn(error);
      return false;
    }
  }

  /** @param {Verb} verb @param {string[]} keys */
  async do(verb, keys) {
    if (keys.length > 0) await this.#tell(this.inbox?.[verb](keys), words.done[verb](keys.length));
  }

  /** @param {string[]} keys @param {Date} until */
  async snooze(keys, until) {
    await this.#tell(this.inbox?.snooze(keys, until), words.done.snooze(keys.length));
  }

  /** @param {string[]} keys */
  async wake(keys) {
    await this.#tell(this.inbox?.snooze(keys, null), words.done.wake(keys.length));
  }

  /** Loaded or not, but none that nobody could see yet. @param {string | null} category @param {number} [upTo] a seq */
  async readAll(category, upTo) {
    await this.#tell(this.inbox?.readAll({ category, upTo }), words.done.readAll);
  }

  /** Take back what was done last, also where the server has yet to answer. */
  async undo() {
    await this.#last;
    this.toast.undo();
  }

  /** @param {Promise<Changed> | undefined} change @param {string} text */
  #tell(change, text) {
    return (this.#last = this.#conclude(change, text));
  }

  /** @param {Promise<Changed> | undefined} change @param {string} text */
  async #conclude(change, text) {
    const inbox = this.inbox;
    try {
      const done = await change;
      // Meanwhile somebody may have signed out.
      if (!done || inbox !== this.inbox) return;
      if (done.changed) this.toast.tell(text, () => this.#undo(done));
      else this.toast.tell(words.nothingToDo);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** @param {Changed} done */
  async #undo(done) {
    try {
      await done.undo();
      this.toast.tell(words.undone);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** @param {any} error */
  #complain(error) {
    warn(error);
    this.toast.tell(error.code === "too_many_changes" ? words.tooManyChanges : words.notDone);
  }
}

/** That the server is away, or somebody signed out, is said elsewhere. @param {any} error */
export function warn(error) {
  if (error.status !== 0 && error.status !== 401) console.warn(error);
}

/** Read ones become unread, if there are no others. @param {Item[]} items @returns {Verb} */
export function readOrUnread(items) {
  return items.some(({ readAt }) => readAt === null) ? "read" : "unread";
}

/** @param {Item[]} items @returns {Verb} */
export function archiveOrBack(items) {
  return items.some(({ archivedAt }) => archivedAt === null) ? "archive" : "unarchive";
}

/** @param {Item} item */
export function isSnoozed({ snoozedUntil }) {
  return snoozedUntil !== null && snoozedUntil.getTime() > Date.now();
}
