/** What to say of something that failed, and whether it may go well by itself. */
import { Refused } from "../../session/session.js";
import { words } from "./language.js";

/** @typedef {{ title: string, text: string, retryAfter?: number }} Fault in seconds; none: asking again is no use */

const PAUSE = 5;

/** @param {unknown} error @returns {Fault} */
export function explain(error) {
  if (!(error instanceof Refused)) return { ...words.faults.unreachable, retryAfter: PAUSE };
  const { status, retryAfter = PAUSE } = error;
  if (status === 401) return words.faults.signedOut;
  if (status === 403) return words.faults.forbidden;
  if (status === 404) return words.faults.gone;
  if (status === 429) return { ...words.faults.tooMany, retryAfter };
  if (status === 503) return { ...words.faults.away, retryAfter };
  if (status > 500) return { ...words.faults.unreachable, retryAfter };
  return { title: words.faults.refused(status), text: error.body?.detail ?? "" };
}

/** What is wrong with each field, if that is what the server said. @param {unknown} error @returns {[string, string][]} */
export function fieldFaults(error) {
  if (!(error instanceof Refused) || !error.body) return [];
  if (error.body.code === "username_taken") return [["username", words.nameTaken]];
  return Object.entries(error.body)
    .filter(([, said]) => Array.isArray(said))
    .map(([name, said]) => [name, said.join(" ")]);
}
