/** A key that was just made: it is shown now and never again. */
import { copyText } from "../../shared/clipboard.js";
import { make } from "../../shared/dom.js";
import { words } from "../shared/language.js";
import { button } from "../shared/parts.js";

/** @typedef {import("../shared/api.js").Key & { key: string }} NewKey */

const COPIED_SHOWN = 1_500;

/** @param {NewKey} made @param {() => void} done */
export function shownOnce(made, done) {
  const title = make("h3", "", words.keyMade(made.name));
  title.tabIndex = -1;
  const example = curl(made);
  return make(
    "section",
    "notice once",
    title,
    make("p", "", words.keyShownOnce),
    ...copied("new-key", words.theKey, made.key),
    ...(example ? copied("new-key-curl", words.tryIt, example) : []),
    button("primary", words.keyKept, done),
  );
}

/** A text, and what copies it. @param {string} id @param {string} title @param {string} text */
function copied(id, title, text) {
  const place = make("pre", "code", text);
  place.id = id;
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.ariaLabel = title;
  const copy = button("", words.copy, async () => {
    copy.textContent = (await copyText(text)) ? words.copied : words.copyFailed;
    setTimeout(() => (copy.textContent = words.copy), COPIED_SHOWN);
  });
  copy.ariaLabel = words.of(words.copy, title);
  return [make("div", "code-head", make("b", "", title), copy), place];
}

/** What a shell needs to use it, for what it may do. @param {NewKey} made */
export function curl({ key, scopes, user_prefix }, origin = location.origin) {
  const whom = user_prefix ? `"user": ${JSON.stringify(`${user_prefix}1`)}` : '"user_id": 1';
  const path = scopes.includes("send")
    ? "notifications/send"
    : ["identity", "revoke"].filter((scope) => scopes.includes(/** @type {any} */ (scope))).map((scope) => `users/${scope}`)[0];
  if (!path) return "";
  const payload = path === "notifications/send" ? ', "payload": {"title": "Hello"}' : "";
  const body = `{${whom}${payload}}`.replaceAll("'", "'\\''");
  return [
    `curl -X POST ${origin}/api/${path}/ \\`,
    `  -H 'Authorization: Bearer ${key}' \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -d '${body}'`,
  ].join("\n");
}
