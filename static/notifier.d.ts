/** Types of notifier.js. All durations are in milliseconds. */

/** Whose notifications, and how. */
export type Options = (
  | {
      /** A user of the server, by number. */
      userId: number | string;
      user?: undefined;
    }
  | {
      /**
       * A user of your application, as its tokens call them. The token decides whose
       * notifications come; the name tells the users of one browser apart.
       */
      user: string;
      userId?: undefined;
    }
) & {
  /**
   * Gives a fresh identity token: asked before connecting, before the token expires,
   * and when the server refuses it. `null` (or an empty string) means that nobody is signed
   * in any more and ends the connection. An exception means "try again later", and so does
   * text that isn't a JWT, like an error page; both become an `error` event.
   */
  getToken(): string | null | undefined | Promise<string | null | undefined>;
  /** The server, scheme included: `https://notify.example.org`; the page's own by default. */
  url?: string;
  /** `"inbox"`: be told what happens to the inbox, too (the event `inbox`). */
  events?: "inbox";
  /** `"auto"` (default) acknowledges after the listeners ran; `"manual"` leaves it to you. */
  ack?: "auto" | "manual";
  /** Whether the tabs of one browser share one socket; `true` by default. */
  shareTabs?: boolean;
  /** The first window of the back-off (1,000) and the largest (30,000). */
  retry?: { base?: number; cap?: number };
  /** Silence after which the server is asked (25,000), and how long it may take to answer (5,000). */
  heartbeat?: { interval?: number; timeout?: number };
  /** How many keys are remembered in order to drop repeats (5,000). */
  remember?: number;
  /** Replaces parts of the browser: `WebSocket` where none is global, the rest for tests. */
  environment?: Partial<Environment>;
};

export type State = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "closed";

export interface Status {
  state: State;
  /** With `reconnecting` and `offline`: Unix time of the next attempt. */
  retryAt?: number;
  /** The close code that led here. */
  code?: number;
  /**
   * With `closed`: `"closed"` by you, `"revoked"` by the server, `"signed out"`, or
   * `"misconfigured"` when no socket can be opened with these options or on this
   * platform; the `error` event before it says why.
   */
  reason?: string;
}

export type Priority = "low" | "normal" | "high" | "urgent";

export interface ServerNotification {
  /** Its identity: delivered once per key. */
  key: string;
  /** The sender's payload, parsed: large integers lose digits here, as always in JavaScript. */
  value: any;
  /** Its place in the user's log: 1, 2, 3 … */
  seq: number;
  createdAt: Date;
  /** With `events: "inbox"`; else, and where it never expires, `null`. */
  expiresAt: Date | null;
  /** With `events: "inbox"`; else, and where it has none, `null`. */
  category: string | null;
  /** With `events: "inbox"`; else `normal`. */
  priority: Priority;
  /** The payload's JSON text exactly as it was sent. */
  readonly raw: string;
  ack(): void;
}

/** How many are unread, at exactly this place. */
export interface InboxState {
  type: "inbox_state";
  unread: number;
  unseen: number;
  /** The last notification that is counted. */
  seq: number;
  /** The last change that is counted. */
  version: number;
}

/** Where some keys stand now, or what holds of all up to a place, or such a change undone. */
export interface InboxChange {
  version: number;
  keys?: string[];
  up_to?: number;
  /** With `up_to`: when that was done, RFC 3339. */
  changed_at?: string;
  category?: string;
  undone?: number;
  /** RFC 3339; `null` where a thing did not happen. */
  acked_at?: string | null;
  seen_at?: string | null;
  read_at?: string | null;
  archived_at?: string | null;
  snoozed_until?: string | null;
  withdrawn_at?: string | null;
}

/** What has changed up to a version, and how many are unread since. */
export interface InboxChanged extends Omit<InboxState, "type"> {
  type: "inbox_changed";
  changes: InboxChange[];
}

/** One was taken back. Whoever shows it does so no longer. */
export interface NotificationWithdrawn {
  type: "notification_withdrawn";
  key: string;
  version: number;
}

export interface Events {
  notification: CustomEvent<ServerNotification>;
  /** With `events: "inbox"`: what happens to the inbox, as the server says it, in every tab. */
  inbox: CustomEvent<InboxState | InboxChanged | NotificationWithdrawn>;
  state: CustomEvent<Status>;
  error: CustomEvent<Error>;
  /** Every frame, for a protocol view; tokens are left out. */
  frame: CustomEvent<{ text: string; direction: "in" | "out" }>;
}

export declare class NotifierClient extends EventTarget {
  constructor(options: Options);
  get status(): Status;
  /** How many are unread, as it was told last and with what has come since; null without `events`, or before. */
  get counts(): InboxState | null;
  /** Whether this tab holds the socket. */
  get leading(): boolean;
  connect(): void;
  /** Try again now instead of at `status.retryAt`. */
  reconnect(): void;
  close(): void;
  /** Acknowledge by key, on any tab. */
  ack(key: string): void;
  addEventListener<Name extends keyof Events>(
    type: Name,
    listener: (event: Events[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof Events>(
    type: Name,
    listener: (event: Events[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** What the client uses of a WebSocket; those of the `ws` package fit. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Environment {
  /** Given the subprotocols that carry the token. */
  WebSocket: new (url: string, protocols?: string[]) => Socket;
  BroadcastChannel?: typeof BroadcastChannel;
  locks?: LockManager;
  origin: string;
  /** For the inbox alone. */
  fetch(url: string, request: RequestInit): Promise<Response>;
  online(): boolean;
  now(): number;
  random(): number;
  setTimeout(action: () => void, delay: number): unknown;
  clearTimeout(timer: unknown): void;
  onWake(wake: () => void): () => void;
}
