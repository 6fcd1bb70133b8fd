/**
 * Notifier's bell: importing this defines `<notifier-bell>`, where there is a document.
 *
 * The attributes, properties and events are described in notifier-bell.d.ts and docs/bell.md.
 */
import { NotifierBell } from "./notifier/bell/element.js";

// What the bell stands on, named here so that a browser fetches all of it in one step.
import "./notifier/bell/popover.js"; // what opens
import "./notifier/bell/list.js"; // a list of any length
import "./notifier/bell/heights.js"; // where each row begins
import "./notifier/bell/rows.js"; // what is one row
import "./notifier/bell/row.js"; // what a row looks like
import "./notifier/bell/template.js"; // and the page's own rows
import "./notifier/bell/tabs.js"; // which notifications
import "./notifier/bell/menu.js"; // when they come back
import "./notifier/bell/notice.js"; // what was done
import "./notifier/bell/place.js"; // where a box opens
import "./notifier/bell/commands.js"; // what a person does
import "./notifier/bell/toast.js"; // what has just come
import "./notifier/bell/announcing.js"; // for screen readers
import "./notifier/bell/sound.js"; // for ears
import "./notifier/bell/badge.js"; // for those who are in another tab
import "./notifier/bell/token.js"; // who is signed in
import "./notifier/bell/link.js"; // where an address leads
import "./notifier/bell/language.js"; // which words
import "./notifier/bell/words.js"; // those in English
import "./notifier/bell/time.js"; // times as people say them
import "./notifier/bell/styles.js"; // how it looks
import "./notifier/bell/dom.js"; // elements

if (globalThis.customElements && !customElements.get("notifier-bell")) {
  customElements.define("notifier-bell", NotifierBell);
}

export { NotifierBell };
