import { Tally } from "../tally.js";
import { Timers } from "../timers.js";
import { sameMoment, sameNumbers } from "./counts.js";
import { Filter } from "./filter.js";
import { arrived, marks, moment } from "./item.js";
import { Journal, hides } from "./journal.js";
import { Known } from "./known.js";
import { verbOf } from "./verb.js";

/**
 * @typedef {import("../../notifier.d.ts").Environment} Environment
 * @typedef {import("../../notifier.d.ts").Events["inbox"]["detail"]} InboxFrame
 * @typedef {import("../../notifier.d.ts").InboxChange} InboxChange
 * @typedef {import("../../notifier.d.ts").ServerNotification} ServerNotification
 * @typedef {import("../../notifier-inbox.d.ts").Counts} Counts
 * @typedef {import("../backoff.js").Backoff} Backoff
 * @typedef {import("./api.js").Api} Api
 * @typedef {import("./item.js").Item} Item
 * @typedef {import("./view.js").View} View
 */

const PATIENCE = 2_000;
const MOST_UNUSED = 1_000;
const MOST_WAKINGS = 100;

/**
 * Keeps what is known here in step with the server: by what it tells, by asking for what is
 * missing, and by the clock.
 */
export class Sync {
  tally = new Tally();
  /** @type {Set<View>} */
  views = new Set();
  #api;
  #backoff;
  #environment;
  #on;
  #journal = new Journal();
  /** @type {Promise<void> | null} */
  #asking = null;
  #heard = 0;
  /** Notifications that some view held when that was last looked at. */
  #used = 0;
  /** When something comes back that is not known here. @type {Set<number>} */
  #wakings = new Set();
  #learnt = false;
  #closed = false;
  #timers;
  #clockAt = Infinity;

  /**
   * @param {Api} api
   * @param {Environment} environment
   * @param {Backoff} backoff
   * @param {{ changed: () => void, withdrawn: (key: string) => void, failed: (error: unknown) => void,
   *           connected: () => boolean }} on `changed`: the counts may have
   */
  constructor(api, environment, backoff, on) {
    this.#api = api;
    this.#backoff = backoff;
    this.#environment = environment;
    this.#timers = new Timers(environment);
    this.#on = on;
    this.known = new Known(environment.now, {
      changed: (item, how) => this.#each((view) => view.update(item, how)),
      removed: (item) => this.#each((view) => view.remove(item)),
    });
  }

  /** @param {(view: View) => void} action */
  #each(action) {
    for (const view of this.views) action(view);
  }

  /** What the server tells. @param {InboxFrame} frame */
  hear(frame) {
    if (frame.type === "inbox_state") this.#state(frame);
    else if (frame.type === "inbox_changed") this.#changes(frame);
    else this.#withdraw(frame.key);
    this.#settled();
  }

  /** @param {Counts} state */
  #state(state) {
    const expected = this.tally.state;
    if (this.#journal.version === null) this.#journal.restart(state.version);
    const behind = state.version !== this.#journal.version;
    if (behind) this.#catchUp(state.version);
    this.#tell(state);
    if (behind || !expected) return;
    // Only the clock can explain it.
    if (sameMoment(state, expected) && !sameNumbers(state, expected)) this.#refresh({ trusted: true });
  }

  /** @param {Counts & { changes: InboxChange[] }} frame */
  #changes(frame) {
    const { version, changes } = frame;
    if (this.#journal.version === null) this.#journal.restart(version);
    else if (version <= this.#journal.version) return;
    else if (!this.#journal.continuedBy(changes)) return this.#catchUp(version);
    this.#tell(frame);
    this.#apply(changes, version);
  }

  /** Counts from elsewhere may be older than what is known. @param {Counts} counts */
  #tell(counts) {
    const told = this.tally.told;
    if (told && (counts.version < told.version || counts.seq < told.seq)) return;
    this.tally.tell(counts);
    this.#each((view) => view.extendsTo(counts.seq));
  }

  /** @param {InboxChange[]} changes @param {number} version */
  #apply(changes, version) {
    for (const change of changes) {
      if (change.withdrawn_at) for (const key of change.keys ?? []) this.#withdraw(key, { known: true });
      const known = this.known.apply(change);
      this.#gain(change, known);
    }
    const hidden = hides(changes, this.#journal.version ?? version, version);
    this.#journal.note(changes, version);
    this.known.settle(version);
    if (hidden) this.#doubt();
    else if (this.known.doubted) this.#refresh({ trusted: true });
  }

  /** Not all that is known may be right. */
  #doubt() {
    this.known.doubt();
    this.#refresh({ trusted: false });
  }

  /** @param {string} key @param {{ known?: boolean }} [only] tell of it only if it is known */
  #withdraw(key, { known = false } = {}) {
    if (this.known.remove(key) || !known) this.#on.withdrawn(key);
  }

  /** Look for what a change may have brought into a view. @param {InboxChange} change @param {boolean} known */
  #gain(change, known) {
    if (change.withdrawn_at || (change.keys && known)) return;
    const wakes = moment(change.snoozed_until)?.getTime() ?? 0;
    if (wakes > this.#environment.now()) this.#wakings.add(wakes);
    else if (wakes && !change.keys) this.#refresh({ trusted: true }); // they are back already
    this.#each((view) => {
      if (change.keys ? view.mayGain(marks(change)) : change.undone !== undefined || view.filter.gains(verbOf(change))) {
        view.refresh({ trusted: true });
      }
    });
  }

  /** @param {{ trusted: boolean }} how */
  #refresh(how) {
    this.#each((view) => view.refresh(how));
  }

  /** Ask for what is missing up to a version. @param {number} version */
  #catchUp(version) {
    this.#heard = version;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
      this.#settled();
    });
  }

  async #ask() {
    try {
      do {
        this.#heard = 0;
        await this.#askOnce(this.#journal.version ?? 0);
      } while (this.#heard > (this.#journal.version ?? 0));
      this.#backoff.reset();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Something could not be asked. Without a connection, that is for when there is one again. @param {unknown} error */
  failed(error) {
    this.#on.failed(error);
    if (this.#closed) return;
    this.#timers.start("retry", this.#backoff.next("wait"), () => {
      if (this.#on.connected()) this.#catchUp(this.#journal.version ?? 0);
    });
  }

  /** @param {number} after */
  async #askOnce(after) {
    try {
      const answer = await this.#api.changes(after);
      this.#tell(answer);
      this.#apply(answer.changes, answer.version);
    } catch (error) {
      if (/** @type {any} */ (error).status !== 410) throw error;
      await this.#startAnew();
    }
  }

  /** Too much was missed, or the server knows less than it did. */
  async #startAnew() {
    const counts = await this.#api.count();
    this.tally.tell(counts);
    this.#journal.restart(counts.version);
    this.known.settle(counts.version);
    this.#doubt();
  }

  /** A change was made here: it has to be heard of. @param {number} version */
  expect(version) {
    if (this.#journal.version === null || version <= this.#journal.version) {
      this.known.settle(version);
      return this.#settled();
    }
    this.#timers.start("patience", this.#on.connected() ? PATIENCE : 0, () => {
      if (version > (this.#journal.version ?? 0)) this.#catchUp(version);
    });
  }

  /**
   * One has come. Null if it was taken back on its way.
   * @param {ServerNotification} notification @param {boolean} acked
   */
  arrived(notification, acked) {
    const { key, seq } = notification;
    if (this.#journal.withdrew(key)) return null;
    const ackedAt = acked ? new Date(this.#environment.now()) : null;
    const isNew = seq > (this.tally.told?.seq ?? Infinity);
    this.tally.add(notification);
    const item = isNew ? this.#meet(arrived(notification, ackedAt)) : this.#delivered(notification, ackedAt);
    this.#settled();
    return item;
  }

  /** @param {Item} item */
  #meet(item) {
    this.forgetSome();
    const version = this.#journal.version ?? 0;
    const entry = this.known.put(item, { version: 0, asOf: version, caughtUp: version });
    this.#each((view) => view.arrived(entry.item));
    return entry.item;
  }

  /**
   * It was in what was told already: who knows what was done with it since? Views have it from
   * their pages.
   * @param {ServerNotification} notification @param {Date | null} ackedAt
   */
  #delivered(notification, ackedAt) {
    const entry = this.known.get(notification.key);
    if (!entry) return arrived(notification, ackedAt);
    this.known.acked(entry, ackedAt);
    return entry.item;
  }

  /** @param {Filter} filter @param {number | null} before @param {number} limit */
  async page(filter, before, limit) {
    for (;;) {
      const page = await this.#page(filter, before, limit);
      if (page) return page;
    }
  }

  /**
   * Null if it has to be asked for again: of what has changed meanwhile something is missing.
   * @param {Filter} filter @param {number | null} before @param {number} limit
   */
  async #page(filter, before, limit) {
    const askedAt = this.#environment.now();
    const { items, version, ...place } = await this.#api.page(filter, before, limit);
    if (this.#journal.version === null) this.#journal.restart(version);
    const missed = await this.#missedBy(version);
    const caughtUp = this.#journal.version ?? 0;
    if (version < caughtUp && hides([...missed, ...this.#journal.kept], version, caughtUp)) return null;
    const entries = items.map((one) => this.known.put(one.item, { version: one.version, asOf: version, caughtUp }));
    // Those that were heard of while the others were asked for count, too.
    const changes = [...missed, ...this.#journal.kept];
    for (const change of changes) for (const entry of entries) this.known.applyTo(entry, change);
    if (this.known.doubted) this.#refresh({ trusted: true });
    this.#settled();
    if (filter.snoozed === "exclude") this.#learnWakings();
    return { ...place, version, askedAt, items: items.map(({ item }) => item) };
  }

  /** Find out, once, when those come back that are put off and not known here. */
  async #learnWakings() {
    if (this.#learnt) return;
    this.#learnt = true;
    try {
      const { items } = await this.#api.page(new Filter({ snoozed: "only", archived: "include" }), null, MOST_WAKINGS);
      for (const { item } of items) this.#wakings.add(item.snoozedUntil?.getTime() ?? 0);
      this.#planClock();
    } catch {
      this.#learnt = false; // the next page asks again
    }
  }

  /**
   * Whether one is known later than a page was read: it has changed since, or come back.
   * @param {Item} item @param {{ version: number, askedAt: number }} page
   */
  later({ key, snoozedUntil }, { version, askedAt }) {
    const entry = this.known.get(key);
    if (entry === undefined || entry.doubtful) return false;
    return entry.asOf > version || entry.item !== entry.base || (snoozedUntil?.getTime() ?? 0) >= askedAt;
  }

  /** As they stand now, without those that are gone. @param {Item[]} items */
  current(items) {
    return items.map(({ key }) => this.known.get(key)?.item).filter((item) => item !== undefined);
  }

  /** What has changed behind an earlier version. @param {number} version */
  async #missedBy(version) {
    if (version >= (this.#journal.version ?? 0)) return [];
    return this.#journal.since(version) ?? (await this.#api.changes(version)).changes;
  }

  now() {
    return this.#environment.now();
  }

  /** A view was closed. @param {View} view */
  closed(view) {
    this.views.delete(view);
  }

  /** Keep what some view holds, once there is much else. */
  forgetSome() {
    if (this.known.size <= 2 * this.#used + MOST_UNUSED) return;
    // What a view is about to hold would be forgotten, too.
    if ([...this.views].some((view) => view.busy)) return;
    const keys = new Set();
    for (const view of this.views) for (const { key } of view.held()) keys.add(key);
    this.known.keepOnly(keys);
    this.#used = keys.size;
  }

  #settled() {
    this.#planClock();
    this.#on.changed();
  }

  #planClock() {
    if (this.#closed) return;
    const next = Math.min(this.known.nextMoment, ...this.#wakings);
    if (next === this.#clockAt) return;
    this.#clockAt = next;
    this.#timers.stop("clock");
    if (next === Infinity) return;
    this.#timers.start("clock", next - this.#environment.now(), () => {
      this.#clockAt = Infinity;
      this.known.tick();
      this.#wake();
      this.#settled();
    });
  }

  /** Look for what is back and was not known. */
  #wake() {
    const due = [...this.#wakings].filter((moment) => moment <= this.#environment.now());
    for (const moment of due) this.#wakings.delete(moment);
    if (due.length) this.#refresh({ trusted: true });
  }

  close() {
    this.#timers.stopAll();
    this.#closed = true;
  }
}
