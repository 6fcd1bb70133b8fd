/**
 * One row as elements. Which of its controls Tab reaches is the list's to say: it marks those of the
 * row where the keyboard is.
 *
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./commands.js").Item} Item
 * @typedef {import("./commands.js").Action} Action
 *
 * @typedef {object} Rendering what a row needs to know beyond itself
 * @property {import("./commands.js").Commands} commands
 * @property {import("./language.js").Language} language
 * @property {boolean} images whether pictures may be fetched
 * @property {((item: Item, row: Element) => Node | string | null | undefined) | null} renderItem the page's own way
 * @property {HTMLTemplateElement | null} template the page's own, as markup
 * @property {(row: Row) => void} fold unfold or fold a group
 * @property {(row: Row, button: HTMLElement) => void} snooze offer times
 */
import { icon, iconButton, make } from "./dom.js";
import { pictureAddress, webAddress } from "./link.js";
import { fromTemplate } from "./template.js";

const LONGEST_JSON = 400;
const LONGEST_ICON = 8;

/** @param {Row} row @param {Rendering} rendering */
export function renderRow(row, rendering) {
  const { times } = rendering.language;
  return make(
    "li",
    { part: row.inner ? "item inner" : "item" },
    row.day === null ? null : make("h3", { part: "day" }, times.day(new Date(row.day))),
    article(row, rendering),
  );
}

/** What of a row changes how it looks; the rest of an item never does. @param {Row} row */
export function looks({ items, group, day }) {
  const { key, archivedAt, snoozedUntil } = items[0];
  return [key, items.length, unreadOf(items), !archivedAt, snoozedUntil?.getTime(), group, day].join(" ");
}

/** @param {readonly Item[]} items */
function unreadOf(items) {
  return items.reduce((count, { readAt }) => count + (readAt ? 0 : 1), 0);
}

/** @param {Row} row @param {Rendering} rendering */
function article(row, rendering) {
  const [item] = row.items;
  const { words } = rendering.language;
  const unread = unreadOf(row.items) > 0;
  const parts = ["row", unread && "row-unread", item.message?.level, `priority-${item.priority}`];
  return make(
    "article",
    { part: parts.filter(Boolean).join(" "), tabindex: -1, "data-stop": true, "aria-label": headline(item, words) },
    make("span", { part: "dot", role: unread ? "img" : null, "aria-label": unread ? words.unreadMark : null }),
    own(item, rendering) ?? content(row, rendering),
    tools(row, rendering),
  );
}

/** What a row is called, in one line. @param {Item} item @param {import("./words.js").default} words */
export function headline({ message }, words) {
  const said = message?.title || message?.body.trimStart().split("\n", 1)[0] || words.untitled;
  return said.slice(0, 200);
}

/** What the page makes of it. @param {Item} item @param {Rendering} rendering */
function own(item, { renderItem, template, commands, language }) {
  const place = make("div", { part: "content" });
  const made = renderItem?.(item, place);
  if (made === undefined || made === null) {
    return template ? fromTemplate(template, item, place, commands, language) : null;
  }
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
    message?.body && message.title ? make("p", { part: "body", dir: "auto" }, message.body) : null,
    message ? null : make("pre", { part: "json" }, item.raw.slice(0, LONGEST_JSON)),
    rendering.images ? picture(message?.image, "image") : null,
    row.group ? unfolding(row, rendering) : actions(item, rendering),
    meta(item, rendering),
  );
}

/** @param {Row} row @param {Rendering} rendering */
function heading(row, rendering) {
  const [item] = row.items;
  const { words } = rendering.language;
  const { level, url } = item.message ?? {};
  const address = webAddress(url);
  const text = item.message?.title || item.message?.body || words.untitled;
  const title = address
    ? link(address, text, (event) => rendering.commands.follow(event, row.items, address))
    : make("span", { part: "title", dir: "auto" }, text);
  return make(
    "div",
    { part: "heading" },
    level ? icon(level, `level ${level}`) : null,
    level ? make("span", { part: "unseen-text" }, `${words.levels[level]}:`) : null,
    sign(item, rendering),
    title,
    priorityOf(item, words),
  );
}

/** @param {URL} address @param {string} text @param {(event: MouseEvent) => void} onclick */
function link(address, text, onclick) {
  return make("a", { part: "title link", href: address.href, dir: "auto", "data-stop": true, tabindex: -1, onclick }, text);
}

/** A small sign before the title: a letter or two, or a picture. @param {Item} item @param {Rendering} rendering */
function sign({ message }, { images }) {
  const sent = message?.icon;
  if (!sent) return null;
  if (sent.length <= LONGEST_ICON) return make("span", { part: "sign", "aria-hidden": "true" }, sent);
  return images ? picture(sent, "sign") : null;
}

/** @param {string | null | undefined} address @param {string} part */
function picture(address, part) {
  const url = pictureAddress(address);
  if (!url) return null;
  return make("img", { part, src: url.href, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
}

/** Said in a word, because not everybody sees a colour. @param {Item} item @param {import("./words.js").default} words */
export function priorityOf({ priority }, words) {
  const said = words.priorities[priority];
  return said ? make("span", { part: `priority ${priority}` }, said) : null;
}

/** @param {Row} row @param {Rendering} rendering */
function unfolding(row, { language: { words }, fold }) {
  const open = row.group === "unfolded";
  return make(
    "button",
    {
      type: "button",
      part: "unfold",
      title: open ? words.fold : words.unfold,
      "aria-expanded": String(open),
      "data-stop": true,
      tabindex: -1,
      onclick: () => fold(row),
    },
    icon("fold"),
    words.more(row.items.length - 1),
  );
}

/** @param {Item} item @param {Rendering} rendering */
function actions(item, { commands }) {
  const sent = item.message?.actions ?? [];
  const made = sent.map((action) => button(item, action, commands)).filter((one) => one !== null);
  return made.length ? make("div", { part: "actions" }, ...made) : null;
}

/** @param {Item} item @param {Action} action @param {import("./commands.js").Commands} commands */
function button(item, action, commands) {
  const shared = { part: `action ${action.style}`, "data-stop": true, tabindex: -1, dir: "auto" };
  if (action.event) {
    return make("button", { ...shared, type: "button", onclick: () => commands.act(item, action) }, action.label);
  }
  const address = webAddress(action.url);
  if (!address) return null;
  const onclick = (/** @type {MouseEvent} */ event) => {
    if (commands.tell("action", { item, action })) commands.follow(event, [item], address);
    else event.preventDefault();
  };
  return make("a", { ...shared, href: address.href, onclick }, action.label);
}

/** @param {Item} item @param {Rendering} rendering */
function meta(item, { language: { times, words } }) {
  const { createdAt, snoozedUntil } = item;
  const later = snoozedUntil && snoozedUntil.getTime() > Date.now();
  return make(
    "p",
    { part: "meta" },
    make("time", { part: "time", datetime: createdAt.toISOString(), title: times.exact.format(createdAt) }, times.ago(createdAt)),
    later ? ` · ${words.snoozedUntil(times.exact.format(snoozedUntil))}` : null,
  );
}

/** @param {Row} row @param {Rendering} rendering */
function tools(row, { commands, language: { words }, snooze }) {
  const { items } = row;
  const unread = unreadOf(items) > 0;
  const archived = items.every(({ archivedAt }) => archivedAt);
  const made = [
    iconButton(unread ? "read" : "unread", unread ? words.read : words.unread, "tool", () => commands.toggleRead(items)),
    archived ? null : snoozing(row, words, snooze),
    iconButton(archived ? "unarchive" : "archive", archived ? words.unarchive : words.archive, "tool", () =>
      commands.toggleArchived(items),
    ),
  ];
  const there = made.filter((tool) => tool !== null);
  for (const tool of there) {
    tool.setAttribute("data-stop", "");
    tool.tabIndex = -1;
  }
  return make("div", { part: "tools" }, ...there);
}

/** @param {Row} row @param {import("./words.js").default} words @param {Rendering["snooze"]} snooze */
function snoozing(row, words, snooze) {
  const button = iconButton("snooze", words.snooze, "tool", () => snooze(row, button));
  button.setAttribute("aria-haspopup", "menu");
  return button;
}
