/**
 * A text of any length: in a list a glance at it, in detail at first its beginning, and all of it
 * when somebody asks, in blocks that are made in slices and that the browser lays out when they come into view.
 *
 * @typedef {import("../shared/json.js").Piece} Piece
 * @typedef {Piece | { kind: "text", text: string }} Part
 */
import { make, say } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { inSlices } from "../shared/slices.js";

/** @typedef {{ lines: number, spared: number, characters: number }} Room */

// Hiding a line or two behind a button would save nothing.
const ROOM = { lines: 14, spared: 2, characters: 2_000 };
const GLANCE = { lines: 4, spared: 0, characters: 400 };
const BLOCK = 10_000;
const LINE_WIDTH = 100;
const COLOURED_LENGTH = 20_000;

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} more the button that asks for all of it
 * @param {{ parts: Iterable<Part>, length: number, whole: boolean }} text
 */
export function showText(place, more, { parts, length, whole }) {
  place.classList.toggle("whole", whole);
  say(more);
  if (whole) return showWhole(place, parts, length <= COLOURED_LENGTH);
  const { shown, complete } = beginning(parts, ROOM);
  place.replaceChildren(...shown.map(coloured));
  if (!complete) say(more, words.showAll(length));
}

/** A few lines that say what the text is about. @param {HTMLElement} place @param {Iterable<Part>} parts */
export function showGlance(place, parts) {
  const { shown, complete } = beginning(parts, GLANCE);
  place.replaceChildren(...shown.map(coloured));
  if (!complete && !place.textContent?.endsWith("…")) place.append("…");
}

/**
 * The lines of a text that is nothing but text.
 * @param {string} text
 * @returns {Generator<Part, void, void>}
 */
export function* lines(text) {
  for (let start = 0, end; start < text.length; start = end) {
    end = text.indexOf("\n", start + 1);
    if (end < 0) end = text.length;
    yield { kind: "text", text: text.slice(start, end) };
  }
}

/** @param {Iterable<Part>} parts @param {Room} bounds */
function beginning(parts, { lines, spared, characters }) {
  /** @type {Part[]} */
  const shown = [];
  let room = characters;
  let breaks = 0;
  let fold = 0;
  for (const part of parts) {
    if (startsLine(part)) breaks++;
    if (breaks === lines && startsLine(part)) fold = shown.length;
    if (breaks === lines + spared) return { shown: shown.slice(0, fold), complete: false };
    if (part.text.length > room) {
      shown.push({ ...part, text: `${head(part.text, room)}…` });
      return { shown, complete: false };
    }
    room -= part.text.length;
    shown.push(part);
  }
  return { shown, complete: true };
}

/** @param {HTMLElement} place @param {Iterable<Part>} parts @param {boolean} inColour */
function showWhole(place, parts, inColour) {
  place.replaceChildren();
  const steps = pour(place, parts, inColour);
  steps.next();
  const first = place.firstChild;
  // Who folds the text or scrolls far away no longer needs the rest of it.
  inSlices(steps, () => first?.isConnected === true);
}

/** @param {HTMLElement} place @param {Iterable<Part>} parts @param {boolean} inColour */
function* pour(place, parts, inColour) {
  for (const block of blocks(parts)) yield place.append(blockElement(block, inColour));
}

/**
 * Parts in groups of bounded length, which end where a line does if there is one.
 * @param {Iterable<Part>} parts
 */
function* blocks(parts) {
  /** @type {Part[]} */
  let block = [];
  let length = 0;
  for (const part of cut(parts)) {
    const { kind, text } = part;
    if (length >= BLOCK && startsLine(part)) {
      block.push({ kind, text: "\n" });
      yield block;
      [block, length] = [[{ kind, text: text.slice(1) }], text.length];
    } else if (length >= 2 * BLOCK) {
      yield block;
      [block, length] = [[part], text.length];
    } else {
      block.push(part);
      length += text.length;
    }
  }
  yield block;
}

/** The same parts, none longer than a block. @param {Iterable<Part>} parts */
function* cut(parts) {
  for (const { kind, text } of parts) {
    let rest = text;
    while (rest.length > BLOCK) {
      const piece = head(rest, BLOCK);
      yield { kind, text: piece };
      rest = rest.slice(piece.length);
    }
    yield { kind, text: rest };
  }
}

/** @param {Part[]} parts @param {boolean} inColour */
function blockElement(parts, inColour) {
  const text = parts.map((part) => part.text).join("");
  const element = make("span", "block", ...(inColour ? parts.map(coloured) : [text]));
  // So much room it takes until it is laid out.
  const height = text.split("\n").length + Math.floor(text.length / LINE_WIDTH);
  element.style.setProperty("contain-intrinsic-height", `auto ${height}lh`);
  return element;
}

/** @param {Part} part */
const startsLine = ({ text }) => text[0] === "\n";

/** @param {Part} part */
function coloured({ kind, text }) {
  return kind === "space" || kind === "punctuation" || kind === "text" ? text : make("span", kind, text);
}

/** The beginning of a text, without half a character at its end. @param {string} text @param {number} length */
export function head(text, length) {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}

/** @param {string} text @param {number} length */
export function shorten(text, length) {
  return text.length > length ? `${head(text, length)}…` : text;
}
