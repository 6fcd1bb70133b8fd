/**
 * Notifier's client for browsers: ES modules without dependencies, published here.
 *
 * The server delivers at least once and in order, until a notification is
 * acknowledged. This client turns that into once per key and in order of `seq`.
 * The types, with all options and their units, are in notifier.d.ts.
 */
export { NotifierClient } from "./notifier/client.js"; // what an app uses

// What the client stands on, named here so that a browser fetches all of it in one step.
import "./notifier/tabs.js"; // which of a browser's tabs holds the line for all of them
import "./notifier/line.js"; // one WebSocket and its timers
import "./notifier/backoff.js"; // when to come back
import "./notifier/timers.js"; // what is to happen later
import "./notifier/heartbeat.js"; // whether the line is alive
import "./notifier/token.js"; // when to replace it
import "./notifier/ordering.js"; // once per key and in order
import "./notifier/notification.js"; // one of them, as an app sees it
import "./notifier/tally.js"; // how many are unread, by what was told
import "./notifier/frame.js"; // what goes over the socket
import "./notifier/environment.js"; // the browser, as the client sees it
