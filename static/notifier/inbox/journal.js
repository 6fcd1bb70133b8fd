/** @typedef {import("../../notifier.d.ts").InboxChange} InboxChange */

/**
 * Whether something is missing in what is told of a stretch of versions. A change of some keys
 * is not told if these have changed again. Mostly that is no loss, because the later change
 * says where they stand in full; but one of everything says only what it has done.
 * @param {InboxChange[]} changes
 * @param {number} after
 * @param {number} version
 */
export function hides(changes, after, version) {
  const last = Math.max(0, ...changes.filter(({ keys }) => !keys).map((change) => change.version));
  const told = new Set(changes.map((change) => change.version));
  for (let each = after + 1; each <= version && each < last; each++) if (!told.has(each)) return true;
  return false;
}

const MOST_KEPT = 200;

/**
 * Up to which version all changes are known, and the last of them: a page that was read
 * before a change, and comes after it, is brought up to date by them.
 */
export class Journal {
  /** Null until something is known. @type {number | null} */
  version = null;
  /** @type {InboxChange[]} */
  #kept = [];
  /** `#kept` is complete behind this version. */
  #from = 0;

  /** Nothing before this version counts. @param {number} version */
  restart(version) {
    this.version = this.#from = version;
    this.#kept = [];
  }

  /**
   * Whether no change is missing between what is known and these. One that is superseded by
   * a later one is not told: that cannot be seen from here, so better ask once too often.
   * @param {InboxChange[]} changes
   */
  continuedBy(changes) {
    if (this.version === null || !changes.length) return false;
    return Math.min(...changes.map(({ version }) => version)) <= this.version + 1;
  }

  /** They are applied, and all that is known up to this version. @param {InboxChange[]} changes @param {number} version */
  note(changes, version) {
    this.#kept.push(...changes.filter((change) => change.version > (this.version ?? 0)));
    this.version = Math.max(this.version ?? 0, version);
    const dropped = this.#kept.splice(0, Math.max(0, this.#kept.length - MOST_KEPT));
    this.#from = Math.max(this.#from, dropped.at(-1)?.version ?? 0);
  }

  /** What has changed behind a version; null if that is not kept any more. @param {number} version */
  since(version) {
    if (this.#from > version) return null;
    return this.#kept.filter((change) => change.version > version);
  }

  /** Whether one was taken back, as far as that is kept. @param {string} key */
  withdrew(key) {
    return this.#kept.some((change) => change.withdrawn_at && change.keys?.includes(key));
  }

  /** All that is kept. */
  get kept() {
    return this.#kept;
  }
}
