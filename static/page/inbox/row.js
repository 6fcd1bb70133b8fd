/** How a notification looks in a list. Everything that a sender wrote becomes text, never markup. */
import { byId, say } from "../shared/dom.js";
import { pretty } from "../shared/json.js";
import { label, words } from "../shared/language.js";
import { exact, showTime } from "../shared/time.js";
import { fillLink } from "./address.js";
import { headline } from "./entry.js";
import { lines, shorten, showGlance } from "./excerpt.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("../../notifier-inbox.d.ts").Level} Level */

const LONGEST_TITLE = 500;
const LOUD = ["high", "urgent"];

/**
 * The element for a notification; it can be thrown away and made again.
 * @param {Item} item
 * @param {boolean} exactTime
 * @returns {HTMLElement}
 */
export function row(item, exactTime) {
  const element = byId("entry-template").content.firstElementChild.cloneNode(true);
  const time = element.querySelector("time");
  time.dateTime = item.createdAt.toISOString();
  showTime(time, exactTime);
  fillTitle(element.querySelector(".entry-title"), item);
  label(element.querySelector(".entry-select"), words.selectOne(headline(item)));
  fillText(element, item);
  if (item.message?.level) fillLevel(element, item.message.level);
  if (item.message?.url) fillLink(element.querySelector(".entry-link"), item.message.url);
  say(element.querySelector(".entry-category"), item.category ?? "");
  if (LOUD.includes(item.priority)) say(element.querySelector(".entry-priority"), words.priorities[item.priority]);
  showState(element, item);
  return element;
}

/** What may change of it. @param {any} element @param {Item} item */
export function showState(element, item) {
  const unread = item.readAt === null;
  element.toggleAttribute("data-unread", unread);
  element.querySelector(".entry-unread").hidden = !unread;
  label(element.querySelector(".entry-read"), unread ? words.markRead : words.markUnread);
  element.querySelector(".entry-read use").setAttribute("href", unread ? "#icon-read" : "#icon-unread");
  label(element.querySelector(".entry-archive"), item.archivedAt ? words.unarchive : words.archive);
  const { snoozedUntil } = item;
  const away = snoozedUntil !== null && snoozedUntil.getTime() > Date.now();
  say(element.querySelector(".entry-snoozed"), away ? words.snoozedUntil(exact(snoozedUntil)) : "");
}

/** @param {HTMLElement} place @param {Item} item */
export function fillTitle(place, { message, seq }) {
  const title = message?.title.trim();
  place.textContent = shorten(title || `#${seq}`, LONGEST_TITLE);
  place.classList.toggle("untitled", !title);
}

/** @param {any} element @param {Level | null} level */
export function fillLevel(element, level) {
  const icon = element.querySelector(".level");
  const word = element.querySelector(".level-word");
  icon.toggleAttribute("hidden", level === null);
  say(word, level ? `${words.levels[level]}:` : "");
  if (level) icon.firstElementChild.setAttribute("href", `#icon-${level}`);
  if (level) element.dataset.level = level;
  else delete element.dataset.level;
}

/** @param {any} element @param {Item} item */
function fillText(element, { message, raw }) {
  const place = element.querySelector(message ? ".entry-body" : ".json");
  place.hidden = message?.body === "";
  if (!place.hidden) showGlance(place, message ? lines(message.body) : pretty(raw));
}
