import { webAddress } from "./link.js";

/**
 * @typedef {import("./commands.js").Item} Item
 * @typedef {import("./commands.js").Commands} Commands
 * @typedef {import("./language.js").Language} Language
 */

/**
 * A row from a `<template>` of the page. In it `data-text="title"` becomes an element's text,
 * `data-href="url"` its link; an element that gets nothing is left out. Names are those of the
 * message, `time`, `category`, `priority`, or `payload.…` with any path.
 * @param {HTMLTemplateElement} template
 * @param {Item} item
 * @param {HTMLElement} place
 * @param {Commands} commands
 * @param {Language} language
 */
export function fromTemplate(template, item, place, commands, language) {
  place.append(document.importNode(template.content, true));
  const value = (/** @type {string} */ name) => lookUp(item, name, language);
  for (const element of place.querySelectorAll("[data-text]")) {
    const text = value(element.getAttribute("data-text") ?? "");
    if (text === undefined || text === null || text === "") element.remove();
    else element.textContent = String(text);
  }
  for (const element of place.querySelectorAll("a[data-href]")) {
    const address = webAddress(value(element.getAttribute("data-href") ?? ""));
    if (address) lead(/** @type {HTMLAnchorElement} */ (element), address, item, commands);
  }
  return place;
}

/** @param {HTMLAnchorElement} link @param {URL} address @param {Item} item @param {Commands} commands */
function lead(link, address, item, commands) {
  link.href = address.href;
  link.tabIndex = -1;
  link.setAttribute("data-stop", "");
  link.addEventListener("click", (event) => commands.follow(event, [item], address));
}

/** @param {Item} item @param {string} name @param {Language} language */
function lookUp(item, name, { times }) {
  if (name === "time") return times.ago(item.createdAt);
  const [first, ...rest] = name.split(".");
  /** @type {any} */
  let found = first === "payload" ? item.payload : /** @type {any} */ (item.message)?.[first];
  if (first === "category" || first === "priority") found = item[first];
  for (const part of rest) found = found?.[part];
  return found;
}
