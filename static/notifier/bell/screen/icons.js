import { BELL, drawing, make } from "../dom.js";

const CIRCLE = "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16";
const BOX = "M4 5h16v4H4zM5.5 9v10h13V9";

const PATHS = {
  bell: BELL,
  close: "M6 6l12 12M18 6L6 18",
  all: "M2 13l4.5 4.5L16 7M12 16.5l1.2 1L22 7",
  read: "M5 13l4.5 4.5L19 7",
  unread: "M12 7a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
  archive: `${BOX}M10 13h4`,
  unarchive: `${BOX}M12 17v-5M9.5 14l2.5-2.5l2.5 2.5`,
  snooze: `${CIRCLE}M12 8v4.5l3 2`,
  fold: "M6 9l6 6l6-6",
  info: `${CIRCLE}M12 11v5M12 8v.1`,
  success: `${CIRCLE}M8.5 12.5l2.5 2.5l4.5-5`,
  warning: "M12 4L3 19.5h18zM12 10v4.5M12 17v.1",
  error: "M8.5 4h7L20 8.5v7L15.5 20h-7L4 15.5v-7zM12 8v5M12 16v.1",
};

/** @typedef {keyof typeof PATHS} Icon */

/** @param {Icon} name @param {string} [part] */
export function icon(name, part) {
  return drawing(PATHS[name], part);
}

/**
 * A button that is only a drawing; its words are a tooltip and what a screen reader says.
 * @param {Icon} name @param {string} label @param {string} part @param {(event: MouseEvent) => void} onclick
 */
export function iconButton(name, label, part, onclick) {
  return make("button", { part, "aria-label": label, title: label, onclick }, icon(name));
}
