/**
 * Tables that are lists on a phone. Their roles are written down, because browsers forget them
 * when cells are laid out in another way.
 */
import { make } from "../../shared/dom.js";

/** @typedef {(string | Node)[]} Row of cells, the first of which names it */

/**
 * @param {string} caption for a screen reader
 * @param {string[]} columns
 * @param {Row[]} rows
 */
export function table(caption, columns, rows) {
  const head = role(make("tr", "", ...columns.map((name) => headCell(name, "col"))), "row");
  const body = role(make("tbody", "", ...rows.map((cells) => row(columns, cells))), "rowgroup");
  const title = make("caption", "unseen", caption);
  const element = make("table", "table", title, role(make("thead", "", head), "rowgroup"), body);
  return role(element, "table");
}

/** @param {string[]} columns @param {Row} cells */
export function row(columns, cells) {
  const made = cells.map((content, index) => {
    const cell = index ? role(make("td", "", content), "cell") : headCell(content, "row");
    cell.dataset.column = columns[index];
    return cell;
  });
  return role(make("tr", "", ...made), "row");
}

/** @param {string | Node} content @param {"col" | "row"} scope */
function headCell(content, scope) {
  const cell = make("th", "", content);
  cell.scope = scope;
  return role(cell, scope === "col" ? "columnheader" : "rowheader");
}

/** @template {HTMLElement} Element @param {Element} element @param {string} name */
function role(element, name) {
  element.setAttribute("role", name);
  return element;
}
