/** How an address of a payload is shown. Where it leads is the bell's to say. */
import { linkAddress } from "../../notifier/bell/screen/link.js";
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
  const url = linkAddress(address);
  link.removeAttribute("href");
  if (!url) return say(link, shorten(address, LONGEST_ADDRESS));
  const rest = url.pathname.replace(/\/$/, "") + url.search + url.hash;
  link.href = url.href;
  link.replaceChildren(make("b", "", url.host), shorten(rest, LONGEST_PATH));
  link.hidden = false;
}
