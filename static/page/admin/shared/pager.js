/** The way from page to page of a long list, by cursors that only lead forward. */
import { make } from "../../shared/dom.js";
import { words } from "./language.js";
import { button } from "./parts.js";

/**
 * @param {(query: Record<string, string>) => string} address of the same list elsewhere
 * @param {{ after: string, next: string | null }} cursors
 */
export function pager(address, { after, next }) {
  const buttons = [];
  if (after) buttons.push(button("", words.previousPage, () => back(address({}))));
  if (next) buttons.push(button("", words.nextPage, () => go(address({ after: next }), true)));
  const element = make("nav", "pager", ...buttons);
  element.ariaLabel = words.pages;
  element.hidden = buttons.length === 0;
  return element;
}

/** To where the page came from, or to the first one if somebody else's link led here. @param {string} first */
function back(first) {
  if (history.state?.paged) history.back();
  else go(first, false);
}

/** @param {string} address @param {boolean} paged */
function go(address, paged) {
  history.pushState({ paged }, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
