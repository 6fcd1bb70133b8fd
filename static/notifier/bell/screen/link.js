/**
 * Where an address of a payload leads, seen from this page. Only to the web: a `javascript:` address
 * would run as this page. And not to a host that hides behind a name, as in
 * `https://bank.example@evil.example`.
 * @param {unknown} text
 * @param {string} [base] what it is relative to
 * @returns {URL | null}
 */
export function webAddress(text, base = document.baseURI) {
  if (typeof text !== "string" || text.trim() === "" || !URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  const safe = /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return safe ? url : null;
}

/** The address of a picture: none that would come over a line that anybody can read. @param {unknown} text */
export function pictureAddress(text) {
  const url = webAddress(text);
  return url?.protocol === "https:" || url?.origin === location.origin ? url : null;
}

/** Whether a click leaves this page as it is: in another tab, or to disk. @param {MouseEvent} event */
export function elsewhere(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
}
