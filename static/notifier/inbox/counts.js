/** @typedef {import("../../notifier-inbox.d.ts").Counts} Counts */

/** @param {Counts} one @param {Counts} other */
export function sameNumbers(one, other) {
  return one.unread === other.unread && one.unseen === other.unseen;
}

/** Whether they are of the same state of the inbox. @param {Counts} one @param {Counts} other */
export function sameMoment(one, other) {
  return one.seq === other.seq && one.version === other.version;
}

/**
 * How many are unread: what the server has told, with what has come since, and with what was
 * done here and is not in that yet.
 *
 * @param {import("../tally.js").Tally} tally
 * @param {import("./known.js").Known} known
 * @returns {Counts | null} null before the server has told
 */
export function counts(tally, known) {
  const { state } = tally;
  if (!state) return null;
  const { seq, version } = state;
  const cleared = clearedBy(known.marks, tally.told?.seq ?? 0);
  const difference = known.difference(cleared);
  const unread = (cleared.unread ? tally.behind(cleared.unread).unread : state.unread) + difference.unread;
  const unseen = (cleared.unseen ? tally.behind(cleared.unseen).unseen : state.unseen) + difference.unseen;
  return { unread: Math.max(0, unread), unseen: Math.max(0, Math.min(unseen, unread)), seq, version };
}

/**
 * Up to where nothing is left, whatever was told: a mark says so if it covers all of that.
 * @param {readonly { clears: { unread: number, unseen: number } }[]} marks
 * @param {number} told
 */
function clearedBy(marks, told) {
  const found = { unread: 0, unseen: 0 };
  for (const { clears } of marks) {
    if (clears.unread >= told) found.unread = Math.max(found.unread, clears.unread);
    if (clears.unseen >= told) found.unseen = Math.max(found.unseen, clears.unseen);
  }
  return found;
}
