/**
 * One row as elements. Which of its controls Tab reaches is the list's to say.
 *
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./commands.js").Item} Item
 * @typedef {import("./commands.js").Action} Action
 *
 * @typedef {object} Rendering what a row needs to know beyond itself
 * @property {import("./commands.js").Commands} commands
 * @property {import("../words.js").Words} words
 * @property {(item: Item) => string} headline what one is called
 * @property {import("./time.js").Times} times
 * @property {boolean} images whether pictures may be fetched
 * @property {((item: Item, row: Element) => Node | string | null | undefined) | null} renderItem the page's own way
 * @property {HTMLTemplateElement | null} template the page's own, as markup
 * @property {(row: Row) => void} fold unfold or fold a group
 * @property {(row: Row, button: HTMLElement) => void} snooze offer times
 */
import { make } from "../dom.js";
import { icon, iconButton } from "./icons.js";
import { linkAddress, pictureAddress } from "./link.js";
import { bodyOf, levelOf, priorityOf, titleOf } from "./parts.js";
import { fromTemplate } from "./template.js";

const LONGEST_JSON = 400;
const LONGEST_ICON = 8;

/** @param {Row} row @param {Rendering} rendering */
export function renderRow(row, rendering) {
  return make(
    "li",
    { part: row.inner ? "item inner" : "item" },
    row.day !== null && make("h3", { part: "day" }, rendering.times.day(new Date(row.day))),
    article(row, rendering),
  );
}

/** What of a row changes how it looks; the rest of an item never does. @param {Row} row */
export function looks({ items, group, day }) {
  const { key, archivedAt, snoozedUntil } = items[0];
  const unread = items.filter(({ readAt }) => !readAt).length;
  return [key, items.length, unread, !archivedAt, snoozedUntil?.getTime(), group, day].join(" ");
}

/** @param {Row} row @param {Rendering} rendering */
function article(row, rendering) {
  const [item] = row.items;
  const { words } = rendering;
  const unread = row.items.some(({ readAt }) => !readAt);
  const parts = ["row", unread && "row-unread", item.message?.level, `priority-${item.priority}`];
  return make(
    "article",
    { part: parts.filter(Boolean).join(" "), "aria-label": rendering.headline(item) },
    make("span", { part: "dot", role: unread && "img", "aria-label": unread && words.unreadMark }),
    own(item, rendering) ?? content(row, rendering),
    tools(row, unread, rendering),
  );
}

/** What the page makes of it. @param {Item} item @param {Rendering} rendering */
function own(item, rendering) {
  const { renderItem, template } = rendering;
  const place = make("div", { part: "content" });
  const made = renderItem?.(item, place);
  if (made === undefined || made === null) return template && fromTemplate(template, item, place, rendering);
  place.append(made);
  return place;
}

/** @param {Row} row @param {Rendering} rendering */
function content(row, rendering) {
  const [item] = row.items;
  const { message } = item;
  return make(
    "div",
    { part: "content" },
    heading(row, rendering),
    bodyOf(item),
    !message && make("pre", { part: "json" }, item.raw.slice(0, LONGEST_JSON)),
    rendering.images && picture(message?.image, "image"),
    row.group ? unfolding(row, rendering) : actions(item, rendering),
    meta(item, rendering),
  );
}

/** @param {Row} row @param {Rendering} rendering */
function heading({ items }, { commands, images, words }) {
  const [item] = items;
  const { message } = item;
  const text = message?.title || message?.body || words.untitled;
  return make(
    "div",
    { part: "heading" },
    levelOf(item),
    message?.level && make("span", { part: "unseen-text" }, `${words.levels[message.level]}:`),
    message?.icon && sign(message.icon, images),
    titleOf(item, text, (event, address) => commands.follow(event, items, address)),
    priorityOf(item, words),
  );
}

/** A small sign before the title: a letter or two, or a picture. @param {string} sent @param {boolean} images */
function sign(sent, images) {
  if (sent.length <= LONGEST_ICON) return make("span", { part: "sign", "aria-hidden": "true" }, sent);
  return images && picture(sent, "sign");
}

/** @param {string | null | undefined} address @param {string} part */
function picture(address, part) {
  const url = pictureAddress(address);
  return url && make("img", { part, src: url.href, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
}

/** @param {Row} row @param {Rendering} rendering */
function unfolding(row, { words, fold }) {
  const open = row.group === "unfolded";
  const title = open ? words.fold : words.unfold;
  return make(
    "button",
    { part: "unfold", title, "aria-expanded": String(open), onclick: () => fold(row) },
    icon("fold"),
    words.more(row.items.length - 1),
  );
}

/** @param {Item} item @param {Rendering} rendering */
function actions(item, { commands }) {
  const made = item.message?.actions.map((action) => button(item, action, commands)).filter((one) => one !== null);
  return made?.length ? make("div", { part: "actions" }, ...made) : null;
}

/** @param {Item} item @param {Action} action @param {import("./commands.js").Commands} commands */
function button(item, action, commands) {
  const shared = { part: `action ${action.style}`, dir: "auto" };
  if (action.event) return make("button", { ...shared, onclick: () => commands.act(item, action) }, action.label);
  const address = linkAddress(action.url);
  const onclick = (/** @type {MouseEvent} */ event) => {
    if (!commands.tell("action", { item, action })) event.preventDefault();
    else if (address) commands.follow(event, [item], address);
  };
  return address && make("a", { ...shared, href: address.href, onclick }, action.label);
}

/** @param {Item} item @param {Rendering} rendering */
function meta({ createdAt, snoozedUntil }, { times, words }) {
  const { exact } = times;
  const later = snoozedUntil && snoozedUntil.getTime() > Date.now();
  return make(
    "p",
    { part: "meta" },
    make("time", { part: "time", datetime: createdAt.toISOString(), title: exact.format(createdAt) }, times.ago(createdAt)),
    later && ` · ${words.snoozedUntil(exact.format(snoozedUntil))}`,
  );
}

/** @param {Row} row @param {boolean} unread @param {Rendering} rendering */
function tools(row, unread, { commands, words, snooze }) {
  const { items } = row;
  const archived = items.every(({ archivedAt }) => archivedAt);
  const tool = (/** @type {"read" | "unread" | "archive" | "unarchive" | "snooze"} */ name, /** @type {() => void} */ onclick) =>
    iconButton(name, words[name], "tool", onclick);
  const put = archived ? null : tool("snooze", () => snooze(row, /** @type {HTMLElement} */ (put)));
  put?.setAttribute("aria-haspopup", "menu");
  return make(
    "div",
    { part: "tools" },
    tool(unread ? "read" : "unread", () => commands.toggleRead(items)),
    put,
    tool(archived ? "unarchive" : "archive", () => commands.toggleArchived(items)),
  );
}
