/**
 * Notifier's inbox for browsers: ES modules without dependencies, published here.
 *
 * What a person has been sent, what is unread of it, and what they do with it, alike on all
 * their devices. It shows nothing itself. The types are in notifier-inbox.d.ts.
 */
export { InboxError } from "./notifier/inbox/error.js"; // what a request failed with
export { Inbox } from "./notifier/inbox/inbox.js"; // what an app uses

// What it stands on, named here so that a browser fetches all of it in one step.
import "./notifier.js"; // the line to the server
import "./notifier/inbox/sync.js"; // keeps what is known in step with the server
import "./notifier/inbox/known.js"; // the notifications that are known
import "./notifier/inbox/journal.js"; // what has changed last
import "./notifier/inbox/view.js"; // a list that stays put
import "./notifier/inbox/list.js"; // its items, in order
import "./notifier/inbox/arrivals.js"; // what has come, and what is missing between
import "./notifier/inbox/filter.js"; // what it is of
import "./notifier/inbox/counts.js"; // how many are unread
import "./notifier/inbox/mark.js"; // what was done here
import "./notifier/inbox/verb.js"; // what can be done
import "./notifier/inbox/item.js"; // one notification
import "./notifier/inbox/message.js"; // what it says
import "./notifier/inbox/address.js"; // where an address in it leads
import "./notifier/inbox/api.js"; // requests
import "./notifier/inbox/access.js"; // the token that they bring
