/**
 * What a bell says before anybody opens it, in English. Another language has the same names and those
 * of screen/words.js: built in beside this file, or given by the page as the property `words`, whole or
 * in part.
 */

/** @typedef {typeof words & typeof import("./screen/words.js").default} Words */

const words = {
  /** @param {number} count */
  label: (count) => (count ? `Notifications, ${count.toLocaleString("en")} new` : "Notifications"),
  /** @param {string} title */
  announced: (title) => `New notification: ${title}`,
  /** @param {number} count at least two */
  announcedMany: (count) => `${count.toLocaleString("en")} new notifications`,
  untitled: "Notification",
};

export default words;
