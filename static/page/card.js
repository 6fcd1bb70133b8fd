/** How an entry looks. Everything that a sender wrote becomes text, never markup. */
import { copyText } from "./clipboard.js";
import { byId, say } from "./dom.js";
import { pretty } from "./json.js";
import { label, words } from "./language.js";
import { showTime } from "./time.js";

/** @typedef {import("./entry.js").Entry} Entry */
/** @typedef {import("./json.js").Piece} Piece */

const PREVIEW_LINES = 14;
const COLOURED_LENGTH = 20_000;
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
  on(".more", () => {
    entry.whole = true;
    fillJson(element, entry);
    element.querySelector(".json").focus();
  });
  return element;
}

/** @param {any} element @param {Entry} entry */
function fillMessage(element, { message, seq }) {
  const title = element.querySelector(".entry-title");
  title.textContent = message?.title ?? `#${seq}`;
  title.classList.toggle("untitled", !message);
  if (!message) return;
  element.dataset.level = message.level;
  say(element.querySelector(".entry-body"), message.body);
  if (!message.url) return;
  const link = element.querySelector(".entry-link");
  link.href = message.url.href;
  say(link, message.url.href.replace(/^https?:\/\//, "").replace(/\/$/, ""));
}

/** @param {any} element @param {Entry} entry */
function fillJson(element, { message, open, whole, raw }) {
  const json = element.querySelector(".json");
  const more = element.querySelector(".more");
  const fold = element.querySelector(".fold");
  fold.setAttribute("aria-expanded", String(open));
  if (message) label(fold, open ? words.hideJson : words.showJson);
  else label(fold, open ? words.fold : words.unfold);
  fold.querySelector("use").setAttribute("href", message ? "#icon-code" : "#icon-fold");
  json.hidden = !open;
  more.hidden = true;
  if (!open) return json.replaceChildren();
  const pieces = pretty(raw);
  const lines = pieces.filter(startsLine).length + 1;
  const shortened = lines > PREVIEW_LINES + 2 && !whole;
  json.replaceChildren(...colour(shortened ? head(pieces) : pieces));
  if (shortened) say(more, words.showAll(lines));
}

/** @param {Piece} piece */
const startsLine = ({ text }) => text[0] === "\n";

/** @param {Piece[]} pieces */
function head(pieces) {
  let lines = 0;
  return pieces.slice(0, pieces.findIndex((piece) => startsLine(piece) && ++lines === PREVIEW_LINES));
}

/** Coloured as long as that is quick. @param {Piece[]} pieces */
function colour(pieces) {
  const whole = pieces.map(({ text }) => text).join("");
  if (whole.length > COLOURED_LENGTH) return [whole];
  return pieces.map(({ kind, text }) => {
    if (kind === "space" || kind === "punctuation") return text;
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    return span;
  });
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
