/** A server's inbox, as far as a client can tell: HTTP answers and frames, moved by the test. */
import { settle } from "./world.mjs";

const MARKS = ["acked_at", "seen_at", "read_at", "archived_at", "snoozed_until"];
const FIELD = { read: "read_at", unread: "read_at", seen: "seen_at", archive: "archived_at", unarchive: "archived_at", snooze: "snoozed_until" };
const CLEARING = ["unread", "unarchive"];

export class InboxServer {
  /** By seq - 1. */
  log = [];
  version = 0;
  /** One for each version: the keys, or the range. */
  record = [];
  requests = [];
  /** Changes up to this version are not kept. */
  forgotten = 0;
  #held = null;
  #refusal = null;

  constructor(world) {
    this.world = world;
    this.fetch = (url, request) => this.#answer(url, request);
  }

  /** The requests for pages of a list. */
  get pages() {
    return this.requests.filter(({ name, query }) => name === "" && query.archived !== "include");
  }

  get now() {
    return this.world.clock.now;
  }

  get seq() {
    return this.log.length;
  }

  moment(at = this.now) {
    return new Date(at).toISOString();
  }

  // What others do.

  /** A notification; its frame. */
  send({ payload = { title: `n${this.seq + 1}` }, category = null, priority = "normal", ttl = null, key, acked = false } = {}) {
    const seq = this.seq + 1;
    const one = { key: key ?? `k${seq}`, seq, payload, category, priority, version: 0, created_at: this.moment(), withdrawn_at: null };
    for (const mark of MARKS) one[mark] = null;
    one.expires_at = ttl === null ? null : this.moment(this.now + ttl);
    if (priority === "low") one.seen_at = one.created_at;
    if (acked) one.acked_at = one.created_at;
    this.log.push(one);
    const { payload: value, created_at, expires_at } = one;
    return { type: "server_notification", key: one.key, value, seq, created_at, expires_at, category, priority };
  }

  /** Do something as another device does it; the frame that tells of it. */
  change(verb, body) {
    const after = this.version;
    const answer = verb === "withdraw" ? this.#withdraw(body) : this.#change(verb, body);
    return answer.changed ? this.changed(after) : null;
  }

  get(key) {
    return this.log.find((one) => one.key === key);
  }

  counts() {
    const unread = this.log.filter((one) => this.#shown(one) && this.#listed(one) && !one.read_at);
    return { unread: unread.length, unseen: unread.filter((one) => !one.seen_at).length, seq: this.seq, version: this.version };
  }

  state() {
    return { type: "inbox_state", ...this.counts() };
  }

  changed(after) {
    return { type: "inbox_changed", ...this.counts(), changes: this.changes(after) };
  }

  changes(after) {
    return this.record.filter(({ version }) => version > after).flatMap((each) => this.#told(each));
  }

  #told({ version, range, undone }) {
    if (undone !== undefined) return [{ version, undone }];
    if (range) return [{ version, ...range }];
    const rows = this.log.filter((one) => one.version === version);
    return rows.map((one) => {
      const change = { version, keys: [one.key], withdrawn_at: one.withdrawn_at };
      for (const mark of MARKS) change[mark] = one[mark];
      change.seen_at ??= one.read_at;
      return change;
    });
  }

  // What requests meet.

  /** From now on answers wait; the function lets them go. */
  hold() {
    let release;
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return async () => {
      this.#held = null;
      release();
      await settle();
    };
  }

  /** The next request fails: no network, or an answer. */
  refuse(refusal = new TypeError("fetch failed")) {
    this.#refusal = refusal;
  }

  async #answer(url, { method, body, headers, keepalive }) {
    const { pathname, searchParams: query } = new URL(url);
    const name = pathname.replace(/^.*\/api\/inbox\//, "").replace(/\/$/, "");
    const parsed = body && JSON.parse(body);
    this.requests.push({ name, body: parsed, query: Object.fromEntries(query), headers, keepalive, method });
    const refusal = this.#refusal;
    this.#refusal = null;
    const [status, answer] = refusal ? [refusal.status ?? 0, refusal.body] : this.#respond(name, parsed, query);
    // The answer is of this moment, whenever it arrives.
    const text = JSON.stringify(answer);
    await this.#held;
    if (refusal instanceof Error) throw refusal;
    return { status, text: async () => text };
  }

  #respond(name, body, query) {
    if (name === "") return [200, this.#page(query)];
    if (name === "count") return [200, this.counts()];
    if (name !== "changes") return [200, this.#change(name, body)];
    const after = Number(query.get("after"));
    if (after < this.forgotten || after > this.version) return [410, { detail: "Too long ago.", code: "changes_gone" }];
    return [200, { ...this.counts(), changes: this.changes(after) }];
  }

  /** What a view of everything has to show. */
  page(parameters = {}) {
    return this.#page(new URLSearchParams({ status: "all", archived: "exclude", snoozed: "exclude", limit: 100_000, ...parameters })).items;
  }

  #page(query) {
    const before = Number(query.get("before") ?? Infinity);
    const limit = Number(query.get("limit"));
    const found = this.log.filter((one) => one.seq < before && this.#fits(one, query)).reverse();
    const items = found.slice(0, limit).map(({ withdrawn_at, ...one }) => ({ ...one, seen_at: one.seen_at ?? one.read_at }));
    return { items, before: found.length > limit ? items.at(-1).seq : null, seq: this.seq, version: this.version };
  }

  #fits(one, query) {
    const category = query.get("category");
    const status = query.get("status");
    return (
      this.#shown(one) &&
      (category === null || one.category === category) &&
      (status === "all" || (status === "read") === (one.read_at !== null)) &&
      agrees(query.get("archived"), one.archived_at !== null) &&
      agrees(query.get("snoozed"), this.#asleep(one))
    );
  }

  #asleep(one) {
    return one.snoozed_until !== null && Date.parse(one.snoozed_until) > this.now;
  }

  #shown(one) {
    return !one.withdrawn_at && (one.expires_at === null || one.acked_at !== null || Date.parse(one.expires_at) > this.now);
  }

  #listed(one) {
    return one.archived_at === null && !this.#asleep(one);
  }

  #withdraw({ key }) {
    this.record.push({ version: ++this.version });
    const one = this.get(key);
    Object.assign(one, { withdrawn_at: this.moment(), acked_at: one.acked_at ?? this.moment(), version: this.version });
    return { version: this.version, changed: true };
  }

  #change(verb, { keys, up_to, category = null, until = null, version }) {
    if (verb === "undo") return this.#undo(version);
    const meant = (one) => {
      if (keys) return keys.includes(one.key) && this.#shown(one);
      const listed = verb === "unarchive" || this.#listed(one);
      return one.seq <= up_to && (category === null || one.category === category) && this.#shown(one) && listed;
    };
    const value = CLEARING.includes(verb) ? null : verb === "snooze" ? until : this.moment();
    const rows = this.log.filter((one) => meant(one) && this.#differs(one, verb));
    if (keys && !rows.length) return { version: this.version, changed: false };
    const before = new Map(rows.map((one) => [one, { ...one }]));
    const range = keys ? null : { up_to, changed_at: this.moment(), ...(category !== null && { category }), [FIELD[verb]]: value };
    this.record.push({ version: ++this.version, range, before });
    for (const one of rows) {
      if (verb === "unread") one.seen_at ??= one.read_at;
      if (verb === "read" && keys) one.acked_at ??= value;
      one[FIELD[verb]] = value;
      one.version = this.version;
    }
    return { version: this.version, changed: true };
  }

  #differs(one, verb) {
    if (verb === "snooze") return true;
    if (verb === "seen") return !one.seen_at && !one.read_at;
    return CLEARING.includes(verb) === (one[FIELD[verb]] !== null);
  }

  #undo(undone) {
    const { before, range } = this.record[undone - 1];
    this.record.push({ version: ++this.version, ...(range && { undone }) });
    for (const [one, then] of before) {
      if (one.version !== undone) continue;
      Object.assign(one, then, { acked_at: one.acked_at, version: this.version });
    }
    return { version: this.version, changed: true };
  }
}

function agrees(word, holds) {
  return word === "include" || (word === "only") === holds;
}
