/** Where an address of a payload leads, and how it is shown. */
import { make, say } from "../shared/dom.js";
import { shorten } from "./excerpt.js";

const LONGEST_ADDRESS = 300;
const LONGEST_PATH = 100;

/**
 * Where it leads, seen from this page. Only to the web: a `javascript:` address would run as this
 * page. And not to a host that hides behind a name, as in `https://bank.example@evil.example`.
 * @param {string} text
 */
export function webAddress(text) {
  if (text.trim() === "" || !URL.canParse(text, location.origin)) return null;
  const url = new URL(text, location.origin);
  const safe = /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return safe ? url : null;
}

/**
 * The host is whole, whatever its length, and stands out: it says where one gets to, and the
 * rest may say anything. `URL` has made it ASCII, so that no letter looks like another.
 * @param {HTMLAnchorElement} link
 * @param {string} address as it was sent
 */
export function fillLink(link, address) {
  const url = webAddress(address);
  link.removeAttribute("href");
  if (!url) return say(link, shorten(address, LONGEST_ADDRESS));
  const rest = url.pathname.replace(/\/$/, "") + url.search + url.hash;
  link.href = url.href;
  link.replaceChildren(make("b", "", url.host), shorten(rest, LONGEST_PATH));
  link.hidden = false;
}
