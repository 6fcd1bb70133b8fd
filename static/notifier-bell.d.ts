/**
 * Types of notifier-bell.js, which defines `<notifier-bell>` when it is imported in a browser and
 * nothing where there is no document.
 */
import type { Action, Inbox, Item } from "./notifier-inbox.d.ts";

/** Every word of the bell; what a page leaves out stays as it is in the built-in language. */
export interface Words {
  title: string;
  /** What the button is called. */
  label: (count: number) => string;
  close: string;
  readAll: string;
  tabs: string;
  /** `all`, `unread`, `archived`. */
  tab: Record<string, string>;
  fresh: (count: number) => string;
  announced: (title: string) => string;
  announcedMany: (count: number) => string;
  read: string;
  unread: string;
  archive: string;
  unarchive: string;
  snooze: string;
  unreadMark: string;
  untitled: string;
  more: (count: number) => string;
  unfold: string;
  fold: string;
  dismiss: string;
  /** `info`, `success`, `warning`, `error`. */
  levels: Record<string, string>;
  /** `urgent`, `high`, `low`. */
  priorities: Record<string, string>;
  justNow: string;
  /** `hour`, `evening`, `tomorrow`, `week`. */
  later: Record<string, string>;
  snoozedUntil: (when: string) => string;
  /** `readAll`, `archive`, `snooze`, `undo`. */
  done: Record<string, string>;
  undo: string;
  notDone: string;
  loading: string;
  emptyTitle: string;
  emptyText: string;
  noUnread: string;
  noArchived: string;
  failedTitle: string;
  again: string;
  offline: string;
  signedOut: string;
}

/** All bubble, and all but the last two can be cancelled: then the page does it, or nobody. */
export interface BellEvents {
  /** One has come. Cancelled: no toast, no sound, nothing said to a screen reader. */
  notification: CustomEvent<Item>;
  /** The list is about to open. Cancelled: it stays closed. */
  open: CustomEvent<null>;
  /** A link was followed in this tab. Cancelled: the page goes there by itself. */
  navigate: CustomEvent<{ item: Item; url: string }>;
  /** A button of a notification was pressed. Cancelled, one with a link isn't followed. */
  action: CustomEvent<{ item: Item; action: Action }>;
  "unread-change": CustomEvent<{ unread: number; unseen: number }>;
  error: CustomEvent<Error>;
}

/**
 * Attributes: `user` or `user-id`, `token-url`, `url`, `badge` (`unseen`, `unread`, `none`), `tabs`,
 * `categories`, `read` (`click`, `open`), `lang`, `placement` (`end`, `start`), and, without a value,
 * `toasts`, `sound`, `title-badge`, `favicon-badge`, `images`.
 */
export declare class NotifierBell extends HTMLElement {
  /** Gives a fresh identity token, instead of `token-url`; `null` if nobody is signed in. */
  getToken: (() => string | null | undefined | Promise<string | null | undefined>) | null;
  /** What a row looks like: a node or a text; `null` for the built-in look. */
  renderItem: ((item: Item, row: Element) => Node | string | null | undefined) | null;
  words: Partial<Words>;
  /**
   * The inbox behind it: its own is null until the list was opened, or `prepare` has fetched it. One
   * that the page sets is the page's to connect and to close.
   */
  inbox: Inbox | null;
  /** Show the list, which is fetched when that is wanted for the first time. */
  open(): void;
  close(): void;
  /** Fetch what opens, without opening it. Gives the inbox behind it; null if it is not known whose. */
  prepare(): Promise<Inbox | null>;
  addEventListener<Name extends keyof BellEvents>(
    type: Name,
    listener: (event: BellEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "notifier-bell": NotifierBell;
  }
}
