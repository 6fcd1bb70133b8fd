/** What a row and a toast have in common. */
import { make } from "../dom.js";
import { icon } from "./icons.js";
import { linkAddress } from "./link.js";

/** @typedef {import("./commands.js").Item} Item */

/** @param {Item} item */
export function levelOf({ message }) {
  return message?.level && icon(message.level, `level ${message.level}`);
}

/** Where it has an address, a link. @param {Item} item @param {string} text @param {(event: MouseEvent, address: URL) => void} follow */
export function titleOf({ message }, text, follow) {
  const address = linkAddress(message?.url);
  if (!address) return make("span", { part: "title", dir: "auto" }, text);
  const onclick = (/** @type {MouseEvent} */ event) => follow(event, address);
  return make("a", { part: "title link", href: address.href, dir: "auto", onclick }, text);
}

/** Without a title, the body stands in its place. @param {Item} item */
export function bodyOf({ message }) {
  return message?.title && message.body && make("p", { part: "body", dir: "auto" }, message.body);
}

/** Said in a word, because not everybody sees a colour. @param {Item} item @param {import("../words.js").Words} words */
export function priorityOf({ priority }, words) {
  const said = words.priorities[priority];
  return said && make("span", { part: `priority ${priority}` }, said);
}
