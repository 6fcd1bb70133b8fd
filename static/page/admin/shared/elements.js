/** The elements of a JSON array as they were written. */
import { scan } from "../../shared/json.js";

/** @param {string} array valid JSON */
export function* elements(array) {
  let depth = 0;
  let start = -1;
  for (const { text, at } of scan(array)) {
    const closes = text === "]" || text === "}";
    if (depth === 1 && start >= 0 && (text === "," || text === "]")) {
      yield array.slice(start, at).trim();
      start = -1;
    } else if (depth === 1 && start < 0 && !closes) {
      start = at;
    }
    if (text === "[" || text === "{") depth++;
    else if (closes) depth--;
  }
}
