import { rawMember } from "./frame.js";

/**
 * @typedef {import("../notifier.d.ts").Priority} Priority
 * @typedef {import("../notifier.d.ts").ServerNotification} PublicNotification
 * @typedef {import("./frame.js").Frame} Frame
 */

/**
 * One notification, as an app sees it.
 * @implements {PublicNotification}
 */
export class ServerNotification {
  #frame;
  #acknowledge;

  /**
   * @param {string} frame
   * @param {Frame} fields
   * @param {(key: string) => void} acknowledge
   */
  constructor(frame, fields, acknowledge) {
    this.#frame = frame;
    this.#acknowledge = acknowledge;
    this.key = fields.key ?? "";
    this.value = fields.value;
    this.seq = fields.seq ?? 0;
    this.createdAt = fields.created_at ? new Date(fields.created_at) : new Date();
    this.expiresAt = fields.expires_at ? new Date(fields.expires_at) : null;
    this.category = fields.category ?? null;
    this.priority = /** @type {Priority} */ (fields.priority ?? "normal");
  }

  /** The value's JSON text exactly as it was sent. */
  get raw() {
    return rawMember(this.#frame, "value") ?? "null";
  }

  ack() {
    this.#acknowledge(this.key);
  }
}
