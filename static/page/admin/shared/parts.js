/** Small things that views are made of. */
import { make } from "../../shared/dom.js";
import { label } from "../../shared/language.js";
import { exact, showTime } from "../../shared/time.js";
import { words } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} className @param {string} text @param {() => void} act */
export function button(className, text, act) {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Asks for everything again. @param {() => void} act */
export function refresher(act) {
  const element = button("icon", "", act);
  const icon = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", "#icon-refresh");
  icon.append(use);
  element.append(icon);
  label(element, words.refresh);
  return element;
}

/** @param {string} className @param {string} text @param {string} address */
export function link(className, text, address) {
  const element = make("a", className, text);
  element.href = address;
  return element;
}

/** A moment that was, in words. @param {string | null} moment */
export function past(moment) {
  return time(moment, false);
}

/** A moment as calendars and clocks say it. @param {string | null} moment @param {string} [never] what to say without one */
export function exactly(moment, never) {
  return time(moment, true, never);
}

/** @param {string | null} moment @param {boolean} exactly @param {string} [never] */
function time(moment, exactly, never = words.none) {
  if (!moment) return make("span", "quiet", never);
  const element = make("time");
  element.dateTime = moment;
  showTime(element, exactly);
  return element;
}

/** @param {import("./api.js").Presence} online */
export function presence(online) {
  const light = make("i");
  light.ariaHidden = "true";
  const said = online ? words.online(online.sockets, exact(new Date(online.since))) : words.offline;
  const element = make("span", "presence", light, said);
  element.dataset.state = online ? "good" : "neutral";
  return element;
}

/** @param {string} text @param {string} [state] good, bad or neutral */
export function badge(text, state = "neutral") {
  const element = make("span", "badge", text);
  element.dataset.state = state;
  return element;
}

/** What is known of something: names and values. @param {[string, string | Node][]} facts */
export function facts(facts) {
  const list = make("dl", "facts");
  for (const [name, value] of facts) list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
  return list;
}

/** @param {string} text @param {string} [more] */
export function empty(text, more = "") {
  return make("div", "empty", make("p", "", text), make("p", "quiet", more));
}
