/** Elements, made one by one: no markup is ever parsed, so the strictest Trusted Types let it pass. */

const SVG = "http://www.w3.org/2000/svg";

/** What icons are drawn with: one path each, in a square of 24. This one is a bell. */
export const BELL = "M6 9a6 6 0 1 1 12 0c0 6 2.5 7 2.5 8h-17C3.5 16 6 15 6 9m4 11.5a2.2 2.2 0 0 0 4 0";

/**
 * An element. `part` names it for our stylesheet and for `::part` of the page's; `on…` are listeners;
 * what is null, undefined or false is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined | false)} children what is no node and no text is left out, too
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return element;
}

/** A drawing beside words that say the same. @param {string} path @param {string} [part] */
export function drawing(path, part = "icon") {
  const image = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  set(image, "viewBox", "0 0 24 24");
  set(image, "aria-hidden", "true");
  set(image, "part", part);
  set(line, "d", path);
  image.append(line);
  return image;
}

/**
 * A style sheet, one for all bells; made when somebody asks, because a program without a document has none.
 * @param {string} css
 */
export function styleSheet(css) {
  /** @type {CSSStyleSheet | undefined} */
  let sheet;
  return () => {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    return sheet;
  };
}

/** @param {Element} element @param {string} name @param {any} value */
function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  element.setAttribute(name, value === true ? "" : value);
  if (name === "part") set(element, "class", value);
}
