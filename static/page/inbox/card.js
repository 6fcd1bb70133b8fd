/** How an entry looks. Everything that a sender wrote becomes text, never markup. */
import { copyText } from "../shared/clipboard.js";
import { byId, make, say } from "../shared/dom.js";
import { head, lines, showText } from "./excerpt.js";
import { pretty } from "../shared/json.js";
import { label, words } from "../shared/language.js";
import { showTime } from "../shared/time.js";

/** @typedef {import("./entry.js").Entry} Entry */
/** @typedef {import("./entry.js").Level} Level */

const LONGEST_TITLE = 500;
const LONGEST_ADDRESS = 300;
const LONGEST_PATH = 100;
const COPIED_SHOWN = 1_500;

/**
 * The element for an entry; it can be thrown away and made again.
 * @param {Entry} entry
 * @param {boolean} exactTime
 * @returns {HTMLElement}
 */
export function card(entry, exactTime) {
  const element = byId("entry-template").content.firstElementChild.cloneNode(true);
  const time = element.querySelector("time");
  time.dateTime = entry.createdAt.toISOString();
  showTime(time, exactTime);
  fillMessage(element, entry);
  fillJson(element, entry);
  const on = (/** @type {string} */ selector, /** @type {() => void} */ action) =>
    element.querySelector(selector).addEventListener("click", action);
  on(".copy", () => copy(element.querySelector(".copy"), entry.raw));
  on(".fold", () => {
    entry.open = !entry.open;
    fillJson(element, entry);
  });
  on(".more-body", () => {
    entry.wholeBody = true;
    fillBody(element, entry);
    element.querySelector(".entry-body").focus();
  });
  on(".more-json", () => {
    entry.wholeJson = true;
    fillJson(element, entry);
    element.querySelector(".json").focus();
  });
  return element;
}

/** @param {any} element @param {Entry} entry */
function fillMessage(element, entry) {
  const { message, seq } = entry;
  const title = element.querySelector(".entry-title");
  title.textContent = shorten(message?.title || `#${seq}`, LONGEST_TITLE);
  title.classList.toggle("untitled", !message?.title);
  if (!message) return;
  fillBody(element, entry);
  if (message.level) fillLevel(element, message.level);
  fillLink(element.querySelector(".entry-link"), message);
}

/**
 * The host is whole, whatever its length, and stands out: it says where one gets to, and the
 * rest may say anything. `URL` has made it ASCII, so that no letter looks like another.
 * @param {HTMLAnchorElement} link
 * @param {import("./entry.js").Message} message
 */
function fillLink(link, { url, address }) {
  if (!url) return say(link, shorten(address, LONGEST_ADDRESS));
  const rest = url.pathname.replace(/\/$/, "") + url.search + url.hash;
  link.href = url.href;
  link.replaceChildren(make("b", "", url.host), shorten(rest, LONGEST_PATH));
  link.hidden = false;
}

/** @param {any} element @param {Level} level */
function fillLevel(element, level) {
  const icon = element.querySelector(".level");
  element.dataset.level = level;
  icon.firstElementChild.setAttribute("href", `#icon-${level}`);
  icon.removeAttribute("hidden");
  say(element.querySelector(".level-word"), `${words.levels[level]}:`);
}

/** @param {any} element @param {Entry} entry */
function fillBody(element, { message, wholeBody }) {
  const place = element.querySelector(".entry-body");
  const body = message?.body ?? "";
  place.hidden = body === "";
  if (wholeBody) place.tabIndex = 0;
  showText(place, element.querySelector(".more-body"), {
    parts: lines(body),
    length: body.length,
    whole: wholeBody,
  });
}

/** @param {any} element @param {Entry} entry */
function fillJson(element, { message, open, wholeJson, raw }) {
  const json = element.querySelector(".json");
  const more = element.querySelector(".more-json");
  const fold = element.querySelector(".fold");
  fold.setAttribute("aria-expanded", String(open));
  if (message) label(fold, open ? words.hideJson : words.showJson);
  else label(fold, open ? words.fold : words.unfold);
  fold.querySelector("use").setAttribute("href", message ? "#icon-code" : "#icon-fold");
  json.hidden = !open;
  more.hidden = true;
  if (open) showText(json, more, { parts: pretty(raw), length: raw.length, whole: wholeJson });
  else json.replaceChildren();
}

/** @param {string} text @param {number} length */
function shorten(text, length) {
  return text.length > length ? `${head(text, length)}…` : text;
}

/** @param {HTMLElement} button @param {string} text */
async function copy(button, text) {
  const copied = await copyText(text);
  label(button, copied ? words.copied : words.copyFailed);
  if (!copied) return;
  const icon = button.querySelector("use");
  icon?.setAttribute("href", "#icon-done");
  setTimeout(() => {
    icon?.setAttribute("href", "#icon-copy");
    label(button, words.copy);
  }, COPIED_SHOWN);
}
