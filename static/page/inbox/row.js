/** How a notification looks in a list. Everything that a sender wrote becomes text, never markup. */
import { byId, say } from "../shared/dom.js";
import { pretty } from "../shared/json.js";
import { label, words } from "../shared/language.js";
import { exact, showTime } from "../shared/time.js";
import { fillLink } from "./address.js";
import { isSnoozed } from "./deeds.js";
import { headline } from "./entry.js";
import { lines, shorten, showGlance } from "./excerpt.js";
import { fillActions, fillExtras } from "./extras.js";

/** @typedef {import("../../notifier-inbox.d.ts").Item} Item */
/** @typedef {import("../../notifier-inbox.d.ts").Level} Level */
/** @typedef {import("../../notifier/bell/screen/rows.js").Row} Row */

const LONGEST_TITLE = 500;
const LOUD = ["high", "urgent"];

/**
 * The element of a row, but for its state; it can be thrown away and made again.
 * @param {Row} row
 * @param {{ exactTime: boolean, images: boolean }} wishes
 * @returns {HTMLElement}
 */
export function make({ items: [item], inner }, { exactTime, images }) {
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
  fillExtras(element, item.message, images);
  fillActions(element.querySelector(".entry-actions"), item.message);
  element.classList.toggle("inner", inner);
  return element;
}

/** What may change of a row, which is marked as one. @param {any} element @param {Row} row */
export function showState(element, { items, group }) {
  const [item] = items;
  const unread = items.some(({ readAt }) => readAt === null);
  element.toggleAttribute("data-unread", unread);
  element.querySelector(".entry-unread").hidden = !unread;
  label(element.querySelector(".entry-read"), unread ? words.markRead : words.markUnread);
  element.querySelector(".entry-read use").setAttribute("href", unread ? "#icon-read" : "#icon-unread");
  label(element.querySelector(".entry-archive"), items.every(({ archivedAt }) => archivedAt) ? words.unarchive : words.archive);
  const { snoozedUntil } = item;
  say(element.querySelector(".entry-snoozed"), snoozedUntil && isSnoozed(item) ? words.snoozedUntil(exact(snoozedUntil)) : "");
  showGroup(element.querySelector(".entry-unfold"), items.length - 1, group);
  element.querySelector(".entry-actions").hidden = group !== null;
}

/** @param {HTMLElement} button @param {number} others @param {Row["group"]} group */
function showGroup(button, others, group) {
  const unfolded = group === "unfolded";
  button.hidden = group === null;
  button.ariaExpanded = String(unfolded);
  button.title = unfolded ? words.fold : words.unfold;
  button.textContent = words.more(others);
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
