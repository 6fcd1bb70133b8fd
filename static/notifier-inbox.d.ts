/**
 * Types of notifier-inbox.js: what a person sees of their notifications, and does with them.
 * Durations are in milliseconds, moments are `Date`s.
 */
import type { Options, Priority, Status } from "./notifier.d.ts";

/** Those of NotifierClient, and how long the server may take. */
export type InboxOptions = Options & {
  /** How long a request may take before it counts as failed (15,000). */
  deadline?: number;
};

/** How many are unread and unseen, at exactly this place in the log and in its changes. */
export interface Counts {
  unread: number;
  unseen: number;
  /** The last notification that is counted. */
  seq: number;
  /** The last change that is counted. */
  version: number;
}

export type Level = "info" | "success" | "warning" | "error";

/** What a button of a notification does: open an address, or tell the page by an event. */
export interface Action {
  label: string;
  /** As it was sent, possibly relative: check it before you link to it. `null` if `event` is given. */
  url: string | null;
  /** A word of the sender's for the page. `null` if `url` is given. */
  event: string | null;
  style: "default" | "primary" | "danger";
}

/** What a payload says, by the conventions that are documented. Texts are never HTML. */
export interface Message {
  title: string;
  body: string;
  /** As it was sent, possibly relative: check it before you link to it. */
  url: string | null;
  level: Level | null;
  icon: string | null;
  /** An https address. Showing it tells a stranger that the notification was opened. */
  image: string | null;
  /** At most three. */
  actions: readonly Action[];
  /** Those of one group may be shown as one row that unfolds. */
  group: string | null;
}

/** A notification at one moment. It never changes: what has changed is another object. */
export interface Item {
  readonly key: string;
  /** Its place in the user's log. */
  readonly seq: number;
  /** Parsed: large integers lose digits here, as always in JavaScript. */
  readonly payload: any;
  /** The payload's JSON text exactly as it was sent. */
  readonly raw: string;
  /** `null` where the payload follows no convention: show `raw` then. */
  readonly message: Message | null;
  readonly category: string | null;
  /** `low` makes no sound, toast or badge. */
  readonly priority: Priority;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly ackedAt: Date | null;
  /** Set if it was read, too. */
  readonly seenAt: Date | null;
  readonly readAt: Date | null;
  readonly archivedAt: Date | null;
  /** When it comes, or came, back. It is put off while that lies ahead. */
  readonly snoozedUntil: Date | null;
}

export interface Filter {
  /** `"all"` by default. */
  status?: "all" | "unread" | "read";
  /** What was archived: left out (`"exclude"`, the default), shown too, or nothing else. */
  archived?: "exclude" | "include" | "only";
  /** What is snoozed, in the same words. */
  snoozed?: "exclude" | "include" | "only";
  /** One category; `null` (default) for all. */
  category?: string | null;
}

export interface ViewEvents {
  /** `items`, `fresh`, `more` or `state` have changed. Comes once for all that changes at once. */
  change: CustomEvent<undefined>;
}

/**
 * A list that stays put. Nothing is pushed down by what arrives: that is counted in `fresh`
 * until `showFresh`, except while the list is empty. What no longer fits (read in a list of
 * unread ones, archived, snoozed) stays in `items` until `reload`: ask `fits`. What is
 * withdrawn, or expires, leaves.
 */
export interface View extends EventTarget {
  readonly filter: Required<Filter>;
  /** The newest first, as far as loaded. The view's own array, which changes: copy it to keep it. */
  readonly items: readonly Item[];
  /** How many that fit have come and are not in `items`. Of more than 1,000 some may have gone since. */
  readonly fresh: number;
  /** Whether there are older ones to load; true before the first `load`. */
  readonly more: boolean;
  /** `"loading"` while `load` or `reload` run, `"failed"` when the last one did. */
  readonly state: "loading" | "ready" | "failed";
  /** Why it failed. */
  readonly error: Error | null;
  /** Whether an item still belongs here. */
  fits(item: Item): boolean;
  /** Load the first page, or the next older one. Never rejects: see `state`. */
  load(): Promise<void>;
  /** Load the first page anew, with what was fresh. Never rejects: see `state`. */
  reload(): Promise<void>;
  /** Put those that came into `items`. Where too many came, this loads anew. */
  showFresh(): void;
  /** Forget it. */
  close(): void;
  addEventListener<Name extends keyof ViewEvents>(
    type: Name,
    listener: (event: ViewEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof ViewEvents>(
    type: Name,
    listener: (event: ViewEvents[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** What a change has become. */
export interface Changed {
  /** The number of the last change that was made. */
  version: number;
  /** False if there was nothing to change. */
  changed: boolean;
  /** Take it back, wherever nothing was done since. Rejects with an InboxError. */
  undo(): Promise<void>;
}

/** A request that failed. `message` are the server's words, where it gave some. */
export declare class InboxError extends Error {
  /** Of the answer; 0 without one (no network, or too slow). */
  readonly status: number;
  /** The server's word for it, such as `too_many_changes`; empty without one. */
  readonly code: string;
}

export interface InboxEvents {
  /** `counts` have changed. */
  counts: CustomEvent<Counts>;
  status: CustomEvent<Status>;
  /** One has just come, as it is known now. What only is there on connecting again comes, too. */
  notification: CustomEvent<Item>;
  /** One was taken back: its key. Whoever shows it does so no longer. */
  withdrawn: CustomEvent<string>;
  error: CustomEvent<Error>;
  /** Every frame, for a protocol view; tokens are left out. */
  frame: CustomEvent<{ text: string; direction: "in" | "out" }>;
}

/** The inbox of one person, as it is on all their devices. Needs no document. */
export declare class Inbox extends EventTarget {
  constructor(options: InboxOptions);
  get status(): Status;
  /** `null` until the server has told them. They include what was done here at once. */
  get counts(): Counts | null;
  connect(): void;
  /** Try again now instead of at `status.retryAt`. */
  reconnect(): void;
  close(): void;
  /** A list. Call its `load`. */
  view(filter?: Filter): View;
  /**
   * Any number of keys, by hundreds. Holds at once in all views, and is taken back if the
   * server refuses it: then the promise rejects with an InboxError. A request goes on when
   * the page is left.
   */
  read(keys: Iterable<string>): Promise<Changed>;
  unread(keys: Iterable<string>): Promise<Changed>;
  seen(keys: Iterable<string>): Promise<Changed>;
  archive(keys: Iterable<string>): Promise<Changed>;
  unarchive(keys: Iterable<string>): Promise<Changed>;
  /** Put off until a moment within a year; `null` brings them back. */
  snooze(keys: Iterable<string>, until: Date | null): Promise<Changed>;
  /**
   * All that the inbox lists, loaded or not, up to the newest that some view has shown (so
   * none that is only `fresh`); without a view, up to the newest that is counted.
   */
  readAll(which?: { category?: string | null; /** A place in the log instead. */ upTo?: number }): Promise<Changed>;
  seenAll(which?: { category?: string | null }): Promise<Changed>;
  archiveAll(which?: { category?: string | null }): Promise<Changed>;
  addEventListener<Name extends keyof InboxEvents>(
    type: Name,
    listener: (event: InboxEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof InboxEvents>(
    type: Name,
    listener: (event: InboxEvents[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
