/**
 * What a payload says, by convention. None is required, and what does not fit is left out.
 *
 * @typedef {import("../../notifier-inbox.d.ts").Action} Action
 * @typedef {import("../../notifier-inbox.d.ts").Message} Message
 */

const LEVELS = /** @type {const} */ (["info", "success", "warning", "error"]);
const STYLES = /** @type {const} */ (["default", "primary", "danger"]);
const MOST_ACTIONS = 3;

/**
 * A text is a body; an object needs a title or a body.
 * @param {any} payload
 * @returns {Message | null}
 */
export function asMessage(payload) {
  if (typeof payload === "string") return asMessage({ body: payload });
  if (payload === null || typeof payload !== "object" || Array.isArray(payload)) return null;
  const title = text(payload.title) ?? "";
  const body = text(payload.body) ?? "";
  if (!title && !body) return null;
  const { level, actions } = payload;
  return {
    title,
    body,
    url: text(payload.url),
    level: LEVELS.includes(level) ? level : null,
    icon: text(payload.icon),
    image: secure(text(payload.image)),
    actions: Array.isArray(actions) ? actions.map(asAction).filter((one) => one !== null).slice(0, MOST_ACTIONS) : [],
    group: text(payload.group),
  };
}

/** It does one thing: an address counts before an event. @param {any} value @returns {Action | null} */
function asAction(value) {
  const label = text(value?.label);
  const url = text(value?.url);
  const event = url === null ? text(value?.event) : null;
  if (label === null || (url === null && event === null)) return null;
  return { label, url, event, style: STYLES.includes(value.style) ? value.style : "default" };
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" && value !== "" ? value : null;
}

/** @param {string | null} address */
function secure(address) {
  return address !== null && /^https:\/\//i.test(address) ? address : null;
}
