/**
 * Notifier's client for browsers: ES modules without dependencies, published here.
 *
 *     client        what an app uses: events and acknowledgements
 *     tabs          which of a browser's tabs holds the line for all of them
 *     line          one WebSocket and its timers
 *     ordering      once per key and in order of `seq`
 *     notification  one of them, as an app sees it
 *     backoff, heartbeat, token, frame, environment
 *
 * Each imports only what stands below it. The server delivers at least once and in
 * order, until a notification is acknowledged; the client turns that into once per
 * key. The types, with all options and their units, are in notifier.d.ts.
 */
export { NotifierClient } from "./notifier/client.js";
