/**
 * Notifier's bell: importing this defines `<notifier-bell>`, where there is a document.
 *
 * The attributes, properties and events are described in notifier-bell.d.ts and docs/bell.md.
 */
import { NotifierBell } from "./notifier/bell/element.js";

// What the bell stands on before anybody opens it, named here so that a browser fetches all of it
// in one step. The rest is fetched when it is wanted: see docs/bell.md.
import "./notifier.js"; // the line to the server
import "./notifier/inbox/access.js"; // the token that it brings
import "./notifier/inbox/error.js"; // where there is none
import "./notifier/inbox/item.js"; // one notification
import "./notifier/inbox/message.js"; // what it says
import "./notifier/bell/announcing.js"; // for screen readers
import "./notifier/bell/token.js"; // who is signed in
import "./notifier/bell/language.js"; // which words
import "./notifier/bell/words.js"; // those in English
import "./notifier/bell/styles.js"; // how the button looks
import "./notifier/bell/dom.js"; // elements

if (globalThis.customElements && !customElements.get("notifier-bell")) {
  customElements.define("notifier-bell", NotifierBell);
}

export { NotifierBell };
