/**
 * What goes over the socket: a JSON text, and its members.
 *
 * @typedef {object} Frame
 * @property {string} type
 * @property {string} [key]
 * @property {unknown} [value]
 * @property {number} [seq]
 * @property {string} [created_at]
 * @property {string | null} [expires_at]
 * @property {string | null} [category]
 * @property {string} [priority]
 * @property {number} [version]
 * @property {number} [unread]
 * @property {number} [unseen]
 */

/**
 * The raw text of one member of a valid JSON object, because a value that went
 * through JSON.parse shows 1.10 as 1.1 and 12345678901234567890 as ...68000.
 * @param {string} text
 * @param {string} name
 */
export function rawMember(text, name) {
  for (const { key, raw } of parts(text)) if (key === name) return raw;
  return undefined;
}

/** The raw texts of a valid JSON array's elements. @param {string} text */
export function rawElements(text) {
  return [...parts(text)].map(({ raw }) => raw).filter(Boolean);
}

/**
 * What a JSON object or array consists of; `key` means something in an object alone.
 * @param {string} text
 */
function* parts(text) {
  let depth = 0;
  let start = 0;
  let key = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = stringEnd(text, at);
      if (depth === 1 && key === null) key = JSON.parse(text.slice(at, end));
      at = end - 1;
    } else if (char === ":" && depth === 1) {
      start = at + 1;
    } else if (char === "{" || char === "[") {
      if (++depth === 1) start = at + 1;
    } else if (char === "}" || char === "]" || char === ",") {
      if (depth === 1) {
        yield { key, raw: text.slice(start, at).trim() };
        key = null;
        start = at + 1;
      }
      if (char !== ",") depth--;
    }
  }
}

/** @param {string} text @param {number} open */
function stringEnd(text, open) {
  for (let at = open + 1; ; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
}
