import { rawElements, rawMember } from "../frame.js";
import { asMessage } from "./message.js";

/**
 * @typedef {import("../../notifier-inbox.d.ts").Item} PublicItem
 * @typedef {import("../../notifier-inbox.d.ts").Message} Message
 * @typedef {import("../../notifier.d.ts").Priority} Priority
 * @typedef {import("../../notifier.d.ts").ServerNotification} ServerNotification
 *
 * @typedef {object} Content what is the same for good
 * @property {string} key
 * @property {number} seq
 * @property {any} payload
 * @property {() => string} raw
 * @property {string | null} category
 * @property {Priority} priority
 * @property {Date} createdAt
 * @property {Date | null} expiresAt
 * @property {Message | null} [message] once somebody asked
 *
 * @typedef {object} Marks where it stands
 * @property {Date | null} ackedAt
 * @property {Date | null} seenAt
 * @property {Date | null} readAt
 * @property {Date | null} archivedAt
 * @property {Date | null} snoozedUntil
 */

/**
 * A notification at one moment.
 * @implements {PublicItem}
 */
export class Item {
  #content;

  /** @param {Content} content @param {Marks} marks */
  constructor(content, marks) {
    this.#content = content;
    this.key = content.key;
    this.seq = content.seq;
    this.payload = content.payload;
    this.category = content.category;
    this.priority = content.priority;
    this.createdAt = content.createdAt;
    this.expiresAt = content.expiresAt;
    this.ackedAt = marks.ackedAt;
    this.seenAt = marks.seenAt;
    this.readAt = marks.readAt;
    this.archivedAt = marks.archivedAt;
    this.snoozedUntil = marks.snoozedUntil;
    Object.freeze(this);
  }

  get raw() {
    return this.#content.raw();
  }

  get message() {
    if (this.#content.message === undefined) this.#content.message = asMessage(this.payload);
    return this.#content.message;
  }

  /** The same, standing elsewhere. @param {Partial<Marks>} marks */
  with(marks) {
    return new Item(this.#content, { ...this, ...marks });
  }

  /** Whether it is put off. @param {number} now */
  asleep(now) {
    return this.snoozedUntil !== null && this.snoozedUntil.getTime() > now;
  }

  /** Whether its delivery has ended without success: nothing shows it. @param {number} now */
  expired(now) {
    return this.expiresAt !== null && this.ackedAt === null && this.expiresAt.getTime() <= now;
  }

  /** Whether an inbox lists it that is asked for nothing else. @param {number} now */
  listed(now) {
    return this.archivedAt === null && !this.asleep(now) && !this.expired(now);
  }

  /** The next moment at which time changes it. @param {number} now @returns {number} Infinity for never */
  nextMoment(now) {
    const moments = [this.snoozedUntil, this.ackedAt ? null : this.expiresAt];
    const ahead = moments.map((moment) => moment?.getTime() ?? Infinity).filter((moment) => moment > now);
    return Math.min(Infinity, ...ahead);
  }
}

/** One that has come. @param {ServerNotification} notification @param {Date | null} ackedAt */
export function arrived(notification, ackedAt) {
  const { key, seq, value, category, priority, createdAt, expiresAt } = notification;
  const content = { key, seq, payload: value, raw: () => notification.raw, category, priority, createdAt, expiresAt };
  const seenAt = priority === "low" ? createdAt : null;
  return new Item(content, { ackedAt, seenAt, readAt: null, archivedAt: null, snoozedUntil: null });
}

/**
 * Those of an answer, each with the version of its last change.
 * @param {any[]} items
 * @param {string} text the whole answer
 */
export function listed(items, text) {
  /** @type {string[] | undefined} */
  let raws;
  return items.map((fields, index) => {
    const raw = () => {
      raws ??= rawElements(rawMember(text, "items") ?? "[]");
      return rawMember(raws[index], "payload") ?? "null";
    };
    const { key, seq, payload, category, priority, version } = fields;
    const content = {
      key,
      seq,
      payload,
      raw,
      category,
      priority,
      createdAt: new Date(fields.created_at),
      expiresAt: moment(fields.expires_at),
    };
    return { item: new Item(content, marks(fields)), version: /** @type {number} */ (version) };
  });
}

/** Where one stands, as the server says it. @param {any} fields @returns {Marks} */
export function marks(fields) {
  return {
    ackedAt: moment(fields.acked_at),
    seenAt: moment(fields.seen_at),
    readAt: moment(fields.read_at),
    archivedAt: moment(fields.archived_at),
    snoozedUntil: moment(fields.snoozed_until),
  };
}

/** @param {string | null | undefined} text RFC 3339 */
export function moment(text) {
  return text ? new Date(text) : null;
}
