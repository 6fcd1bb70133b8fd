/** Fields of the operator's forms, each with what it refuses. */
import { make } from "../../shared/dom.js";
import { field } from "../../shared/field.js";
import { words } from "./language.js";

/** @typedef {import("./dialog.js").Field & { input: HTMLInputElement }} TextField */

/** @param {string} id @param {string} title @param {string} [value] @returns {TextField} */
export function text(id, title, value = "") {
  const made = field(id, title, make("input"));
  Object.assign(made.input, { value, autocapitalize: "none", spellcheck: false });
  return { ...made, check: () => (made.input.value === "" ? words.required : "") };
}

/** A password for somebody else: no manager of passwords offers one's own. @param {string} id @param {string} title @returns {TextField} */
export function password(id, title) {
  const made = text(id, title);
  Object.assign(made.input, { type: "password", autocomplete: "new-password" });
  return made;
}

/** A whole number above zero, or nothing. @param {string} id @param {string} title @param {string} hint @returns {TextField} */
export function number(id, title, hint) {
  const made = optional(id, title, hint);
  made.input.inputMode = "numeric";
  return { ...made, check: () => (/^([1-9]\d*)?$/.test(made.input.value) ? "" : words.positive) };
}

/** A text that may be left out. @param {string} id @param {string} title @param {string} hint @returns {TextField} */
export function optional(id, title, hint) {
  const { input, say, parts } = text(id, title);
  const explained = make("p", "hint", hint);
  explained.id = `${id}-hint`;
  input.setAttribute("aria-describedby", `${explained.id} ${id}-error`);
  return { input, say, parts: [...parts, explained] };
}

/** @param {string} id @param {string} title */
export function checkbox(id, title) {
  const input = make("input");
  Object.assign(input, { type: "checkbox", id });
  return { input, say: () => {}, parts: [make("label", "check", input, title)] };
}

/** A whole number that has to be there. @param {string} id @param {string} title @param {string} value @returns {TextField} */
export function whole(id, title, value) {
  const made = text(id, title, value);
  made.input.inputMode = "numeric";
  return { ...made, check: () => (/^\d+$/.test(made.input.value) ? "" : words.wholeNumber) };
}
