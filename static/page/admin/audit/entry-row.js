/** One entry of the audit log, as the cells of a table. */
import { make } from "../../shared/dom.js";
import { words } from "../shared/language.js";
import { exactly, link } from "../shared/parts.js";

/** @typedef {import("../shared/api.js").Entry} Entry */

/** @param {Entry} entry @param {(query: Record<string, string>) => string} address of the log that only has what fits */
export function entryRow(entry, address) {
  const { action, actor, subject, created_at } = entry;
  const what = make("span", "", actionName(action), " ", repeats(entry), ...details(entry));
  const who = actor ? link("", person(actor), address({ actor })) : words.stranger;
  return [exactly(created_at), what, who, person(subject ?? ""), entry.address || words.none];
}

/** How often it happened, if more than once. @param {Entry} entry */
export function repeats({ count, last_at }) {
  const element = make("small", "repeats");
  if (count > 1) element.append(words.times(count), " ", exactly(last_at));
  return element;
}

/** @param {string} action */
function actionName(action) {
  return words.auditActions[action] ?? action;
}

/** `user:ann` in words. @param {string} text */
function person(text) {
  const [kind, ...rest] = text.split(":");
  const said = words.actorKinds[kind];
  if (!said) return text || words.none;
  return rest.length ? `${said} ${rest.join(":")}` : said;
}

/** @param {Entry} entry */
function details({ details }) {
  const known = Object.entries(details ?? {});
  if (known.length === 0) return [];
  const list = make("dl", "details");
  for (const [name, value] of known) list.append(make("dt", "", name), make("dd", "", shown(value)));
  return [make("details", "", make("summary", "", words.details), list)];
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
