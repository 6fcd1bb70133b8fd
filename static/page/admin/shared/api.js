/**
 * The endpoints below `/api/admin/`, and what they answer. Moments are RFC 3339 texts.
 *
 * @typedef {{ sockets: number, since: string } | null} Presence
 * @typedef {{ id: number, username: string, is_active: boolean, is_superuser: boolean,
 *             created_at: string, online: Presence, pending: number }} User
 * @typedef {{ id: string, created_at: string, used_at: string | null, expires_at: string,
 *             address: string, user_agent: string }} SignIn
 * @typedef {{ user: string, created_at: string, online: Presence, pending: number }} Recipient
 * @typedef {{ key: string, seq: number, created_at: string, expires_at: string | null,
 *             acked_at: string | null, sent_by: { id: number, name: string } | null,
 *             raw: string }} Kept `raw` is the payload as it was sent
 * @typedef {{ id: number, name: string, scopes: Scope[], user_prefix: string | null,
 *             rate: number | null, created_at: string, last_used_at: string | null,
 *             expires_at: string | null, revoked_at: string | null }} Key
 * @typedef {"send" | "identity" | "inbox" | "withdraw" | "receipts" | "revoke" | "metrics"} Scope
 * @typedef {{ id: number, action: string, actor: string, subject: string | null,
 *             address: string | null, details: Record<string, unknown> | null, count: number,
 *             created_at: string, last_at: string }} Entry
 * @typedef {Record<string, string>} Query what is empty is left out
 */
import { rawMember } from "../../../notifier/frame.js";
import { elements } from "./elements.js";

const ROOT = "/api/admin/";
const PATIENCE = 15_000;

export class Api {
  /** @param {import("../../session/session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /** The superuser who looks. */
  get me() {
    return this.session.user;
  }

  /** @param {Query} query @param {AbortSignal} signal @returns {Promise<{ users: User[], next: string | null }>} */
  users(query, signal) {
    return this.#call("GET", path("users/", query), undefined, signal);
  }

  /** @param {string} id @param {AbortSignal} signal @returns {Promise<User>} */
  user(id, signal) {
    return this.#call("GET", userPath(id), undefined, signal);
  }

  /** @param {{ username: string, password: string, is_superuser: boolean }} user @returns {Promise<User>} */
  createUser(user) {
    return this.#call("POST", path("users/"), user);
  }

  /** @param {number} id @param {Partial<User & { password: string }>} change @returns {Promise<User>} */
  changeUser(id, change) {
    return this.#call("PATCH", userPath(id), change);
  }

  /** @param {number} id */
  deleteUser(id) {
    return this.#call("DELETE", userPath(id));
  }

  /** @param {string} id @param {AbortSignal} signal @returns {Promise<{ sessions: SignIn[] }>} */
  sessions(id, signal) {
    return this.#call("GET", `${userPath(id)}sessions/`, undefined, signal);
  }

  /** @param {number} id */
  endSessions(id) {
    return this.#call("DELETE", `${userPath(id)}sessions/`);
  }

  /** @param {Query} query @param {AbortSignal} signal @returns {Promise<{ recipients: Recipient[], next: string | null }>} */
  recipients(query, signal) {
    return this.#call("GET", path("recipients/", query), undefined, signal);
  }

  /** @param {string} user */
  deleteRecipient(user) {
    return this.#call("DELETE", recipientPath(user));
  }

  /** @param {string} user */
  revokeRecipient(user) {
    return this.session.call("POST", "/api/users/revoke/", JSON.stringify({ user }), AbortSignal.timeout(PATIENCE));
  }

  /**
   * What is kept for somebody, newest first.
   * @param {"users" | "recipients"} kind
   * @param {string} id
   * @param {Query} query
   * @param {AbortSignal} signal
   * @returns {Promise<{ notifications: Kept[], next: string | null }>}
   */
  notifications(kind, id, query, signal) {
    const whose = kind === "users" ? userPath(id) : recipientPath(id);
    return this.#call("GET", `${whose}notifications/${text(query)}`, undefined, signal, faithful);
  }

  /** @param {AbortSignal} signal @returns {Promise<{ keys: Key[] }>} */
  keys(signal) {
    return this.#call("GET", path("keys/"), undefined, signal);
  }

  /**
   * @param {{ name: string, scopes: Scope[], user_prefix?: string, rate?: number, expires_in?: number }} key
   * @returns {Promise<Key & { key: string }>}
   */
  createKey(key) {
    return this.#call("POST", path("keys/"), key);
  }

  /** @param {number} id */
  revokeKey(id) {
    return this.#call("DELETE", path(`keys/${id}/`));
  }

  /** @param {number} id @param {number} keepSeconds the old one goes on so long @returns {Promise<Key & { key: string }>} */
  rotateKey(id, keepSeconds) {
    return this.#call("POST", path(`keys/${id}/rotate/`), { keep_seconds: keepSeconds });
  }

  /** @param {Query} query @param {AbortSignal} signal @returns {Promise<{ entries: Entry[], next: string | null }>} */
  audit(query, signal) {
    return this.#call("GET", path("audit/", query), undefined, signal);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {AbortSignal} [signal] without one, a change is waited for as long as anything is
   * @param {(answer: Response) => Promise<any>} [read]
   */
  #call(method, path, body, signal, read) {
    const patience = AbortSignal.timeout(PATIENCE);
    const until = signal ? AbortSignal.any([signal, patience]) : patience;
    return this.session.call(method, path, body && JSON.stringify(body), until, read);
  }
}

/** @param {string} rest @param {Query} [query] */
const path = (rest, query = {}) => ROOT + rest + text(query);

/** @param {string | number} id */
const userPath = (id) => path(`users/${encodeURIComponent(id)}/`);

/** @param {string} user */
const recipientPath = (user) => path(`recipients/${encodeURIComponent(user)}/`);

/** @param {Query} query */
function text(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** Notifications with their payloads as they were sent. @param {Response} answer */
async function faithful(answer) {
  const body = await answer.text();
  const { notifications, next } = JSON.parse(body);
  const texts = [...elements(rawMember(body, "notifications") ?? "[]")];
  const raw = (/** @type {number} */ index) => rawMember(texts[index], "payload") ?? "null";
  return {
    notifications: notifications.map((/** @type {Kept} */ kept, /** @type {number} */ index) => ({ ...kept, raw: raw(index) })),
    next,
  };
}
