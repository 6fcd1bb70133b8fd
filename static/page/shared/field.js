/** Fields of forms that scripts make. */
import { make } from "./dom.js";

/**
 * A labelled input with room for its error.
 * @template {HTMLInputElement | HTMLTextAreaElement} Input
 * @param {string} id
 * @param {string} title
 * @param {Input} input
 */
export function field(id, title, input) {
  const label = make("label", "", title);
  const error = make("p", "error");
  label.htmlFor = input.id = id;
  input.autocomplete = "off";
  error.id = `${id}-error`;
  input.setAttribute("aria-describedby", error.id);
  const say = (/** @type {string} */ text) => {
    error.textContent = text;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  return { input, say, parts: [label, input, error] };
}
