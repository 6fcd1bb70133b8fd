/**
 * Where an address of a payload leads, seen from a page. Only to the web: a `javascript:` address
 * would run as that page. And not to a host that hides behind a name, as in
 * `https://bank.example@evil.example`.
 * @param {unknown} text
 * @param {string} base what it is relative to
 * @returns {URL | null}
 */
export function webAddress(text, base) {
  if (typeof text !== "string" || text.trim() === "" || !URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  const safe = /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return safe ? url : null;
}
