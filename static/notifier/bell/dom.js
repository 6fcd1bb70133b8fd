/** Elements, made one by one: no markup is ever parsed, so the strictest Trusted Types let it pass. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `part` names it for our stylesheet and for `::part` of the page's; `on…` are listeners;
 * what is null, undefined or false is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
    if (name === "part") element.className = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** What icons are drawn with: one path each, in a square of 24. */
const PATHS = {
  bell: "M6 9a6 6 0 1 1 12 0c0 6 2.5 7 2.5 8h-17C3.5 16 6 15 6 9m4 11.5a2.2 2.2 0 0 0 4 0",
  close: "M6 6l12 12M18 6L6 18",
  all: "M2 13l4.5 4.5L16 7M12 16.5l1.2 1L22 7",
  read: "M5 13l4.5 4.5L19 7",
  unread: "M12 7a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
  archive: "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
  unarchive: "M4 5h16v4H4zM5.5 9v10h13V9M12 17v-5M9.5 14l2.5-2.5l2.5 2.5",
  snooze: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4.5l3 2",
  fold: "M6 9l6 6l6-6",
  info: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 11v5M12 8v.1",
  success: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M8.5 12.5l2.5 2.5l4.5-5",
  warning: "M12 4L3 19.5h18zM12 10v4.5M12 17v.1",
  error: "M8.5 4h7L20 8.5v7L15.5 20h-7L4 15.5v-7zM12 8v5M12 16v.1",
};

/** @typedef {keyof typeof PATHS} Icon */

/** A drawing beside words that say the same. @param {Icon} name @param {string} [part] */
export function icon(name, part = "icon") {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", part, class: part })) {
    drawing.setAttribute(key, value);
  }
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}

/**
 * A button that is only a drawing; its words are a tooltip and what a screen reader says.
 * @param {Icon} drawing @param {string} label @param {string} part @param {(event: MouseEvent) => void} onclick
 */
export function iconButton(drawing, label, part, onclick) {
  return make("button", { type: "button", part, "aria-label": label, title: label, onclick }, icon(drawing));
}
