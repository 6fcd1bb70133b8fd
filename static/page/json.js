/**
 * JSON as text: shown and checked without passing through JavaScript's numbers, so
 * that 12345678901234567890 and 1.10 stay what they are (RFC 8259 grammar).
 *
 * @typedef {"string" | "number" | "word" | "punctuation"} Kind
 * @typedef {{ kind: Kind, text: string, at: number }} Token
 * @typedef {{ kind: Kind | "key" | "space", text: string }} Piece
 */

const TOKEN =
  /[ \t\n\r]*(?:("[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\x00-\x1f]*)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([{}[\]:,]))/y;
const BLANK = /[ \t\n\r]*/y;
const INLINE_WIDTH = 60;

// Characters that reorder or hide their neighbours; joiners stay, emoji are made of them.
const DECEPTIVE = /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * The tokens of a text, up to the first place that is no token.
 * @param {string} text
 */
function scan(text) {
  /** @type {Token[]} */
  const tokens = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let match; (match = TOKEN.exec(text)); end = TOKEN.lastIndex) {
    const [, string, number, word, punctuation] = match;
    const found = string ?? number ?? word ?? punctuation;
    const kind = string ? "string" : number ? "number" : word ? "word" : "punctuation";
    tokens.push({ kind, text: found, at: TOKEN.lastIndex - found.length });
  }
  BLANK.lastIndex = end;
  BLANK.exec(text);
  return { tokens, end: BLANK.lastIndex, whole: BLANK.lastIndex === text.length };
}

/**
 * Valid JSON, indented for reading; short arrays and objects stay on their line.
 * @param {string} text
 * @returns {Piece[]}
 */
export function pretty(text) {
  const { tokens, whole } = scan(text);
  if (!whole) return [{ kind: "string", text }];
  const closing = pairs(tokens);
  /** @type {Piece[]} */
  const pieces = [];
  let depth = 0;
  let inlineUntil = -1;
  const add = (/** @type {Piece["kind"]} */ kind, /** @type {string} */ piece) =>
    pieces.push({ kind, text: piece });
  const lineBreak = () => add("space", `\n${"  ".repeat(depth)}`);

  tokens.forEach((token, index) => {
    const inline = index <= inlineUntil;
    const end = closing.get(index);
    if (end !== undefined) {
      add("punctuation", token.text);
      depth++;
      if (inline) return;
      if (width(tokens, index, end) <= INLINE_WIDTH) inlineUntil = end;
      else lineBreak();
    } else if (token.text === "}" || token.text === "]") {
      depth--;
      if (!inline) lineBreak();
      add("punctuation", token.text);
    } else if (token.text === ",") {
      add("punctuation", ",");
      if (inline) add("space", " ");
      else lineBreak();
    } else if (token.text === ":") {
      add("punctuation", ": ");
    } else if (token.kind === "string") {
      add(tokens[index + 1]?.text === ":" ? "key" : "string", legible(token.text));
    } else {
      add(token.kind, token.text);
    }
  });
  return pieces;
}

/** For each opening bracket its closing one. @param {Token[]} tokens */
function pairs(tokens) {
  /** @type {Map<number, number>} */
  const closing = new Map();
  /** @type {number[]} */
  const open = [];
  tokens.forEach(({ text }, index) => {
    if (text === "{" || text === "[") open.push(index);
    if (text === "}" || text === "]") closing.set(open.pop() ?? 0, index);
  });
  return closing;
}

/** How wide brackets and their content are on one line, as far as that matters. */
function width(/** @type {Token[]} */ tokens, /** @type {number} */ from, /** @type {number} */ to) {
  let sum = 0;
  for (let index = from; index <= to && sum <= INLINE_WIDTH; index++) sum += tokens[index].text.length + 1;
  return sum;
}

/** A JSON string with its escapes resolved, except those that would deceive a reader. */
function legible(/** @type {string} */ token) {
  const shown = JSON.stringify(JSON.parse(token));
  return shown.replace(DECEPTIVE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * What is wrong with a text that should be JSON, and where.
 * @param {string} text
 * @returns {{ line: number, column: number, what: Fault } | null}
 *
 * @typedef {"value" | "key" | "colon" | "comma" | "end" | "string"} Fault
 */
export function fault(text) {
  const { tokens, end, whole } = scan(text);
  /** @type {string[]} */
  const open = [];
  /** @type {Fault} */
  let expected = "value";
  let mayClose = false;
  for (const { kind, text: found, at } of tokens) {
    const inObject = open.at(-1) === "{";
    const closes = found === (inObject ? "}" : "]") && open.length > 0;
    if (closes && (mayClose || expected === "comma")) {
      open.pop();
      expected = open.length ? "comma" : "end";
      mayClose = false;
    } else if (expected === "value" && (kind !== "punctuation" || found === "{" || found === "[")) {
      mayClose = kind === "punctuation";
      if (mayClose) open.push(found);
      if (mayClose) expected = found === "{" ? "key" : "value";
      else expected = open.length ? "comma" : "end";
    } else if (expected === "key" && kind === "string") {
      [expected, mayClose] = ["colon", false];
    } else if (expected === "colon" && found === ":") {
      expected = "value";
    } else if (expected === "comma" && found === ",") {
      expected = inObject ? "key" : "value";
    } else {
      return { ...place(text, at), what: expected };
    }
  }
  if (whole && expected === "end") return null;
  return { ...place(text, end), what: text[end] === '"' && expected !== "colon" ? "string" : expected };
}

/** @param {string} text @param {number} at */
function place(text, at) {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1 };
}
