/** How an address of a payload is shown. */
import { webAddress } from "../../notifier/inbox/address.js";
import { make, say } from "../shared/dom.js";
import { shorten } from "./excerpt.js";

const LONGEST_ADDRESS = 300;
const LONGEST_PATH = 100;

/**
 * The host is whole, whatever its length, and stands out: it says where one gets to, and the
 * rest may say anything. `URL` has made it ASCII, so that no letter looks like another.
 * @param {HTMLAnchorElement} link
 * @param {string} address as it was sent
 */
export function fillLink(link, address) {
  const url = webAddress(address, location.origin);
  link.removeAttribute("href");
  if (!url) return say(link, shorten(address, LONGEST_ADDRESS));
  const rest = url.pathname.replace(/\/$/, "") + url.search + url.hash;
  link.href = url.href;
  link.replaceChildren(make("b", "", url.host), shorten(rest, LONGEST_PATH));
  link.hidden = false;
}
