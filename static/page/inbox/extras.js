/** What a message may bring beside its text: a sign, a picture, and what can be done. */
import { linkAddress, pictureAddress } from "../../notifier/bell/screen/link.js";
import { make } from "../shared/dom.js";
import { words } from "../shared/language.js";

/** @typedef {import("../../notifier-inbox.d.ts").Message} Message */
/** @typedef {import("../../notifier-inbox.d.ts").Action} Action */

const LONGEST_SIGN = 8;

/**
 * Fill the places for them in a row, or in the detail.
 * @param {any} element
 * @param {Message | null} message
 * @param {boolean} images whether pictures may be fetched
 */
export function fillExtras(element, message, images) {
  const { icon = null, image = null } = message ?? {};
  fill(element.querySelector(".entry-sign"), icon && icon.length <= LONGEST_SIGN ? [icon] : picture(icon, images));
  fill(element.querySelector(".entry-image"), picture(image, images));
}

/** The buttons below a message. @param {Element} place @param {Message | null} message */
export function fillActions(place, message) {
  place.replaceChildren(...(message?.actions ?? []).flatMap(action));
}

/** @param {HTMLElement} place @param {(string | Node)[]} content */
function fill(place, content) {
  place.replaceChildren(...content);
  place.hidden = content.length === 0;
}

/** @param {string | null} address @param {boolean} wanted */
function picture(address, wanted) {
  const url = wanted ? pictureAddress(address) : null;
  if (!url) return [];
  const image = make("img");
  Object.assign(image, { alt: "", loading: "lazy", referrerPolicy: "no-referrer", src: url.href });
  return [image];
}

/** An event is for the application that shows a notification, and here is none. @param {Action} sent */
function action({ label, url, event, style }) {
  const address = linkAddress(url);
  if (event) {
    const said = make("span", "action", label);
    said.title = words.actionElsewhere;
    return [said];
  }
  if (!address) return [];
  const link = make("a", `action ${style}`, label);
  Object.assign(link, { href: address.href, target: "_blank", rel: "noopener noreferrer", title: address.href });
  return [link, make("small", "quiet", address.host)];
}
