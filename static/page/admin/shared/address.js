/**
 * Which view the page's address names: `#users`, `#users/42`, `#users?search=ann`.
 *
 * @typedef {{ area: string, id: string, query: URLSearchParams }} Address
 */

/** @param {string} hash @returns {Address} */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [area, id = ""] = path.split("/", 2);
  return { area, id: decoded(id), query: new URLSearchParams(query) };
}

/**
 * @param {string} area
 * @param {string} [id]
 * @param {Record<string, string>} [query] what is empty is left out
 */
export function format(area, id = "", query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const path = id === "" ? area : `${area}/${encodeURIComponent(id)}`;
  return given.length ? `#${path}?${new URLSearchParams(given)}` : `#${path}`;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
