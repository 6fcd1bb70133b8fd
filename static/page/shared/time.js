/** Times as people say them. */
import { locale, words } from "./language.js";

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const calendar = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} seconds per unit, largest first */
const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** @param {Date} date @param {number} [now] Unix time in milliseconds */
export function ago(date, now = Date.now()) {
  const seconds = (now - date.getTime()) / 1_000;
  for (const [unit, length] of units) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return words.justNow;
}

/** @param {Date} date @param {Date} [today] */
export function exact(date, today = new Date()) {
  const sameDay = date.toDateString() === today.toDateString();
  return (sameDay ? clock : calendar).format(date);
}

/** Fill an element whose `dateTime` is set. @param {HTMLTimeElement} element @param {boolean} exactly */
export function showTime(element, exactly) {
  const date = new Date(element.dateTime);
  element.title = calendar.format(date);
  element.textContent = exactly ? exact(date) : ago(date);
}
