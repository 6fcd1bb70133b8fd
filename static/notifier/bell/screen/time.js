/** Times as people say them, and the times that "later" may mean. */

/** @type {[Intl.RelativeTimeFormatUnit, number][]} seconds per unit, largest first */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const WEEK = 7 * 86_400;
const MORNING = 9;
const EVENING = 19;
const HOUR = 3_600_000;

/** How a language writes dates. */
export class Times {
  /** @param {string} locale @param {string} justNow */
  constructor(locale, justNow) {
    this.justNow = justNow;
    this.relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
    this.days = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
    this.date = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
    this.long = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
    this.exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  }

  /** "3 min. ago"; a date where that is long ago. @param {Date} date */
  ago(date, now = Date.now()) {
    const seconds = (now - date.getTime()) / 1_000;
    if (seconds >= WEEK) return this.date.format(date);
    for (const [unit, length] of UNITS) {
      if (seconds >= length) return this.relative.format(-Math.floor(seconds / length), unit);
    }
    return this.justNow;
  }

  /** "Today", "Yesterday", or the day. @param {Date} date */
  day(date, now = new Date()) {
    const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
    const said = days >= 0 && days < 2 ? this.days.format(-days, "day") : this.long.format(date);
    return said.charAt(0).toLocaleUpperCase() + said.slice(1);
  }
}

/** When the day of `date` began here, as Unix time in milliseconds. @param {Date} date */
export function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/**
 * When something may come back, by the names of `words.later`; this evening only while it is to come.
 * @returns {[string, Date][]}
 */
export function later(now = new Date()) {
  const at = (/** @type {number} */ days, /** @type {number} */ hour) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const monday = (8 - now.getDay()) % 7 || 7;
  /** @type {[string, Date][]} */
  const choices = [
    ["hour", new Date(now.getTime() + HOUR)],
    ["evening", at(0, EVENING)],
    ["tomorrow", at(1, MORNING)],
    ["week", at(monday, MORNING)],
  ];
  return choices.filter(([name, date]) => name !== "evening" || date.getTime() - now.getTime() > HOUR);
}
