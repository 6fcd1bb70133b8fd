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
 * The tokens of a text, one after the other, up to the first place that is no token.
 * @param {string} text
 * @returns {Generator<Token, void, void>}
 */
export function* scan(text) {
  let end = 0;
  for (;;) {
    // Set anew each time, because others use the same expression in between.
    TOKEN.lastIndex = end;
    const match = TOKEN.exec(text);
    if (!match) return;
    const [, string, number, word, punctuation] = match;
    const found = string ?? number ?? word ?? punctuation;
    const kind = string ? "string" : number ? "number" : word ? "word" : "punctuation";
    end = TOKEN.lastIndex;
    yield { kind, text: found, at: end - found.length };
  }
}

/**
 * Valid JSON, indented for reading; short arrays and objects stay on their line. Made
 * piece by piece, so that the beginning of a long text costs little.
 * @param {string} text
 * @returns {Generator<Piece, void, void>}
 */
export function* pretty(text) {
  const tokens = new Lookahead(scan(text));
  let depth = 0;
  // While brackets stay on their line: the depth inside the outermost of them.
  let inline = Infinity;
  const lineBreak = () => space(`\n${"  ".repeat(depth)}`);
  for (let token; (token = tokens.next()); ) {
    if (opens(token)) {
      yield punctuation(token.text);
      depth++;
      if (depth > inline) continue;
      if (fits(tokens)) inline = depth;
      else yield lineBreak();
    } else if (closes(token)) {
      depth--;
      if (inline === Infinity) yield lineBreak();
      yield punctuation(token.text);
      if (depth < inline) inline = Infinity;
    } else if (token.text === ",") {
      yield punctuation(",");
      yield inline === Infinity ? lineBreak() : space(" ");
    } else if (token.text === ":") {
      yield punctuation(": ");
    } else if (token.kind === "string") {
      yield { kind: tokens.peek(0)?.text === ":" ? "key" : "string", text: legible(token.text) };
    } else {
      yield token;
    }
  }
}

/**
 * Valid JSON on one line, in parts: everything that a line of `pretty` says is in it.
 * @param {string} text
 * @returns {Generator<string, void, void>}
 */
export function* flat(text) {
  for (const { kind, text: found } of scan(text)) {
    if (kind === "string") yield legible(found);
    else yield found === "," || found === ":" ? `${found} ` : found;
  }
}

/** Tokens that can be looked at before their turn. */
class Lookahead {
  /** @type {Token[]} */
  #ahead = [];

  /** @param {Generator<Token, void, void>} tokens */
  constructor(tokens) {
    this.tokens = tokens;
  }

  next() {
    this.peek(0);
    return this.#ahead.shift();
  }

  /** @param {number} index 0 is the next one @returns {Token | undefined} */
  peek(index) {
    while (this.#ahead.length <= index) {
      const { value } = this.tokens.next();
      if (!value) return undefined;
      this.#ahead.push(value);
    }
    return this.#ahead[index];
  }
}

/** @param {Token} token */
const opens = ({ text }) => text === "{" || text === "[";

/** @param {Token} token */
const closes = ({ text }) => text === "}" || text === "]";

/** @param {string} text @returns {Piece} */
const punctuation = (text) => ({ kind: "punctuation", text });

/** @param {string} text @returns {Piece} */
const space = (text) => ({ kind: "space", text });

/** Whether brackets that were just opened and their content fit on one line. @param {Lookahead} tokens */
function fits(tokens) {
  let width = 2;
  let open = 1;
  for (let index = 0; open > 0; index++) {
    const token = tokens.peek(index);
    if (!token) return false;
    width += token.text.length + 1;
    if (width > INLINE_WIDTH) return false;
    if (opens(token)) open++;
    else if (closes(token)) open--;
  }
  return true;
}

/** A JSON string with its escapes resolved, except those that would deceive a reader. */
function legible(/** @type {string} */ token) {
  // Most strings are legible as they are, and this is asked for each of a megabyte.
  if (!token.includes("\\") && token.search(DECEPTIVE) < 0) return token;
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
  /** @type {string[]} */
  const open = [];
  /** @type {Fault} */
  let expected = "value";
  let mayClose = false;
  let end = 0;
  for (const { kind, text: found, at } of scan(text)) {
    end = at + found.length;
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
  BLANK.lastIndex = end;
  BLANK.exec(text);
  end = BLANK.lastIndex;
  if (end === text.length && expected === "end") return null;
  return { ...place(text, end), what: text[end] === '"' && expected !== "colon" ? "string" : expected };
}

/** @param {string} text @param {number} at */
function place(text, at) {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1 };
}
