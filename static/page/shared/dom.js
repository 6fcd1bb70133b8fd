/** Shorthands for the document. */

/** @param {string} id @returns {any} the element, whose kind the caller knows */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...(string | Node)} children strings become text, never markup
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Show one of the page's screens. @param {"loading" | "failure" | "outside" | "sign-in" | "inbox"} name */
export function showScreen(name) {
  for (const id of ["loading", "failure", "outside", "sign-in", "inbox"]) byId(id).hidden = id !== name;
}

/** Show a text, or nothing. @param {HTMLElement} element @param {string} [text] */
export function say(element, text = "") {
  element.textContent = text;
  element.hidden = text === "";
}
