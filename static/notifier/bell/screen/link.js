import { webAddress } from "../../inbox/address.js";

/** Where an address of a payload leads from here. @param {unknown} text */
export function linkAddress(text) {
  return webAddress(text, document.baseURI);
}

/** The address of a picture: none that would come over a line that anybody can read. @param {unknown} text */
export function pictureAddress(text) {
  const url = linkAddress(text);
  return url?.protocol === "https:" || url?.origin === location.origin ? url : null;
}

/** Whether a click leaves this page as it is: in another tab, or to disk. @param {MouseEvent} event */
export function elsewhere(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
}
