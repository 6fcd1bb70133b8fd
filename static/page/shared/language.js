/** Chooses the page's words and puts them in place. */
import english from "./words.js";

const russian = navigator.language.toLowerCase().startsWith("ru");

export const words = russian ? (await import("./words.ru.js")).default : english;

/** For numbers and dates: the region's habits, if it speaks the page's language. */
export const locale = navigator.language.startsWith(words.locale) ? navigator.language : words.locale;

/**
 * Fill `data-word` (text), `data-word-label` (name for a screen reader, tooltip) and
 * `data-word-placeholder` below a root, and in its templates.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    element.textContent = word(element, "data-word");
  }
  for (const element of root.querySelectorAll("[data-word-label]")) {
    label(element, word(element, "data-word-label"));
  }
  for (const element of root.querySelectorAll("[data-word-placeholder]")) {
    element.setAttribute("placeholder", word(element, "data-word-placeholder"));
  }
  for (const template of root.querySelectorAll("template")) translate(template.content);
}

/** @param {Element} element @param {string} text */
export function label(element, text) {
  element.setAttribute("aria-label", text);
  if (element.tagName === "BUTTON") element.setAttribute("title", text);
}

/** @param {Element} element @param {string} attribute */
function word(element, attribute) {
  const name = element.getAttribute(attribute) ?? "";
  return String(words[/** @type {keyof typeof words} */ (name)]);
}
