import { linkAddress } from "./link.js";

/**
 * @typedef {import("./commands.js").Item} Item
 * @typedef {import("./commands.js").Commands} Commands
 * @typedef {import("./time.js").Times} Times
 */

/**
 * A row from a `<template>` of the page. In it `data-text="title"` becomes an element's text,
 * `data-href="url"` its link; an element that gets nothing is left out. Names are those of the
 * message, `time`, `category`, `priority`, or `payload.…` with any path.
 * @param {HTMLTemplateElement} template
 * @param {Item} item
 * @param {HTMLElement} place
 * @param {{ commands: Commands, times: Times }} rendering
 */
export function fromTemplate(template, item, place, { commands, times }) {
  place.append(document.importNode(template.content, true));
  const value = (/** @type {string} */ name) => lookUp(item, name, times);
  for (const element of place.querySelectorAll("[data-text]")) {
    const text = value(element.getAttribute("data-text") ?? "");
    if (text === undefined || text === null || text === "") element.remove();
    else element.textContent = String(text);
  }
  for (const element of place.querySelectorAll("a[data-href]")) {
    const address = linkAddress(value(element.getAttribute("data-href") ?? ""));
    if (!address) continue;
    const link = /** @type {HTMLAnchorElement} */ (element);
    link.href = address.href;
    link.addEventListener("click", (event) => commands.follow(event, [item], address));
  }
  return place;
}

/** @param {Item} item @param {string} name @param {Times} times */
function lookUp(item, name, times) {
  if (name === "time") return times.ago(item.createdAt);
  const [first, ...rest] = name.split(".");
  /** @type {any} */
  let found = first === "payload" ? item.payload : /** @type {any} */ (item.message)?.[first];
  if (first === "category" || first === "priority") found = item[first];
  for (const part of rest) found = found?.[part];
  return found;
}
