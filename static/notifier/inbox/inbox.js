import { Backoff } from "../backoff.js";
import { NotifierClient } from "../client.js";
import { surroundings } from "../environment.js";
import { Access } from "./access.js";
import { Api } from "./api.js";
import { counts, sameMoment, sameNumbers } from "./counts.js";
import { Filter } from "./filter.js";
import { Mark, Undo } from "./mark.js";
import { Sync } from "./sync.js";
import { View } from "./view.js";

/**
 * @typedef {import("../../notifier.d.ts").ServerNotification} ServerNotification
 * @typedef {import("../../notifier-inbox.d.ts").Changed} Changed
 * @typedef {import("../../notifier-inbox.d.ts").Counts} Counts
 * @typedef {import("../../notifier-inbox.d.ts").Filter} PublicFilter
 * @typedef {import("../../notifier-inbox.d.ts").Inbox} PublicInbox
 * @typedef {import("../../notifier-inbox.d.ts").InboxOptions} Options
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {import("./verb.js").Verb} Verb
 */

const DEADLINE = 15_000;
const MOST_KEYS = 100;

/**
 * What a person sees of their notifications, and does with them.
 * @implements {PublicInbox}
 */
export class Inbox extends EventTarget {
  #options;
  #environment;
  #client;
  #api;
  #sync;
  /** @type {Counts | null} */
  #counts = null;

  /** @param {Options} options @param {{ access: Access, client: NotifierClient }} [line] one that is there already */
  constructor(options, line) {
    super();
    this.#options = options;
    this.#environment = { ...surroundings(), ...options.environment };
    const access = line?.access ?? new Access(() => options.getToken(), this.#environment.now);
    const { url = this.#environment.origin, deadline = DEADLINE } = options;
    this.#api = new Api(this.#environment, access, url ?? "", deadline);
    const backoff = new Backoff({ ...options.retry, random: this.#environment.random });
    this.#sync = new Sync(this.#api, this.#environment, backoff, {
      changed: () => this.#recount(),
      withdrawn: (key) => this.#emit("withdrawn", key),
      failed: (error) => this.#emit("error", error),
      connected: () => this.status.state === "connected",
    });
    this.#client = line?.client ?? new NotifierClient({ ...options, events: "inbox", getToken: () => access.renew() });
    this.#listen();
    const { counts } = this.#client;
    if (counts) this.#sync.hear(counts);
  }

  #listen() {
    /** @type {import("../../notifier.d.ts").NotifierClient} */
    const on = this.#client;
    on.addEventListener("inbox", ({ detail }) => this.#sync.hear(detail));
    on.addEventListener("notification", ({ detail }) => this.#arrived(detail));
    on.addEventListener("state", ({ detail }) => this.#emit("status", detail));
    on.addEventListener("error", ({ detail }) => this.#emit("error", detail));
    on.addEventListener("frame", ({ detail }) => this.#emit("frame", detail));
  }

  get status() {
    return this.#client.status;
  }

  get counts() {
    return this.#counts;
  }

  connect() {
    this.#client.connect();
  }

  reconnect() {
    this.#client.reconnect();
  }

  close() {
    for (const view of [...this.#sync.views]) view.close();
    this.#sync.close();
    this.#client.close();
  }

  /** @param {PublicFilter} [filter] */
  view(filter) {
    const view = new View(new Filter(filter), this.#sync);
    this.#sync.views.add(view);
    return view;
  }

  /** @param {ServerNotification} notification */
  #arrived(notification) {
    const acked = this.#options.ack !== "manual";
    const item = this.#sync.arrived(notification, acked);
    if (item) this.#emit("notification", item);
  }

  /** @param {Iterable<string>} keys */
  read(keys) {
    return this.#change("read", keys);
  }

  /** @param {Iterable<string>} keys */
  unread(keys) {
    return this.#change("unread", keys);
  }

  /** @param {Iterable<string>} keys */
  seen(keys) {
    return this.#change("seen", keys);
  }

  /** @param {Iterable<string>} keys */
  archive(keys) {
    return this.#change("archive", keys);
  }

  /** @param {Iterable<string>} keys */
  unarchive(keys) {
    return this.#change("unarchive", keys);
  }

  /** @param {Iterable<string>} keys @param {Date | null} until */
  snooze(keys, until) {
    return this.#change("snooze", keys, until);
  }

  /** @param {{ category?: string | null, upTo?: number }} [which] */
  readAll(which) {
    return this.#changeAll("read", which);
  }

  /** @param {{ category?: string | null }} [which] */
  seenAll(which) {
    return this.#changeAll("seen", which);
  }

  /** @param {{ category?: string | null }} [which] */
  archiveAll(which) {
    return this.#changeAll("archive", which);
  }

  /** @param {Verb} verb @param {Iterable<string>} keys @param {Date | null} [until] */
  #change(verb, keys, until = null) {
    const all = [...new Set(keys)];
    const changes = [];
    for (let start = 0; start < all.length; start += MOST_KEYS) {
      const some = all.slice(start, start + MOST_KEYS);
      const mark = new Mark(verb, { keys: new Set(some) }, this.#now, until);
      const body = verb === "snooze" ? { keys: some, until: until?.toISOString() ?? null } : { keys: some };
      changes.push(this.#make(mark, verb, body));
    }
    return this.#made(changes);
  }

  /** @param {Verb} verb @param {{ category?: string | null, upTo?: number }} [which] */
  async #changeAll(verb, { category = null, upTo: place } = {}) {
    const upTo = place ?? (await this.#newestShown());
    if (!upTo) return this.#made([]);
    const mark = new Mark(verb, { upTo, category }, this.#now);
    const body = category === null ? { up_to: upTo } : { up_to: upTo, category };
    return this.#made([this.#make(mark, verb, body)]);
  }

  async #newestShown() {
    const shown = [...this.#sync.views].map((view) => view.shownTo).filter((seq) => seq !== null);
    if (shown.length) return Math.max(...shown);
    return (this.#counts ?? (await this.#api.count())).seq;
  }

  get #now() {
    return new Date(this.#environment.now());
  }

  /**
   * It holds here at once, and no longer if the server refuses it.
   * @param {Mark | Undo} mark @param {Verb | "undo"} verb @param {object} body
   */
  async #make(mark, verb, body) {
    const { known } = this.#sync;
    known.mark(mark);
    this.#recount();
    try {
      const answer = await this.#api.change(verb, body);
      mark.settledAt = answer.version;
      this.#sync.expect(answer.version);
      return { mark, answer };
    } catch (error) {
      known.unmark(mark);
      this.#recount();
      throw error;
    }
  }

  /** @param {Promise<{ mark: Mark | Undo, answer: Answer }>[]} changes @returns {Promise<Changed>} */
  async #made(changes) {
    const made = await Promise.all(changes);
    const done = made.filter(({ answer }) => answer.changed);
    return {
      version: Math.max(0, ...made.map(({ answer }) => answer.version)),
      changed: done.length > 0,
      undo: async () => {
        const undone = done.map(({ mark, answer: { version } }) =>
          this.#make(new Undo(/** @type {Mark} */ (mark)), "undo", { version }),
        );
        await Promise.all(undone);
      },
    };
  }

  #recount() {
    const found = counts(this.#sync.tally, this.#sync.known);
    const before = this.#counts;
    this.#counts = found;
    if (!found || (before && sameMoment(found, before) && sameNumbers(found, before))) return;
    this.#emit("counts", found);
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
