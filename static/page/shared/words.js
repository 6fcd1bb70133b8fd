/** Every word of the page, in English. Another language has the same names beside this file. */

/** @param {number} count @param {string} one @param {string} many */
const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export default {
  locale: "en",

  loading: "Loading…",
  unreachableTitle: "The server can't be reached",
  /** @param {number} seconds */
  tryingIn: (seconds) => `Trying again in ${seconds} s.`,
  tryingNow: "Trying again…",
  tryNow: "Try now",

  outsideTitle: "Nobody is signed in",
  outside: "You get in from your application: open this page from there.",
  outsideAgain: "Your access has ended. Open this page again from your application.",

  signInTitle: "Sign in to Notifier",
  username: "User name",
  password: "Password",
  signIn: "Sign in",
  account: "Your account",
  accountMissing: "This part of the page couldn't be loaded. Reload the page to try again.",
  signOut: "Sign out",
  signOutHere: "This device",
  signOutHereHint: "You stay signed in on other devices.",
  signOutEverywhere: "All devices",
  signOutEverywhereHint: "Also ends all tokens of your account, those of programs too.",
  fieldRequired: "Please fill this in.",
  wrongCredentials: "This user name and password don't match.",
  /** @param {number} seconds */
  tooManySignIns: (seconds) => `Too many attempts to sign in. Please try again in ${seconds} s.`,
  signInUnavailable: "The server is busy or away. Please try again in a moment.",
  signedOutElsewhere: "You were signed out. Sign in again to go on.",
  signOutFailed: "Signing out didn't reach the server, so you are still signed in. Please try again.",

  connecting: "Connecting…",
  connected: "Connected",
  /** @param {number} seconds */
  reconnectingIn: (seconds) => `Reconnecting in ${seconds} s`,
  /** @param {number} seconds */
  offlineRetry: (seconds) => `Offline, next try in ${seconds} s`,
  closed: "Disconnected",

  notifications: "Notifications",
  filter: "Filter",
  filterLabel: "Show only notifications that contain this text",
  view: "View",
  order: "Order",
  newestFirst: "Newest first",
  newestLast: "Newest last",
  feed: "Feed",
  follow: "Scroll to new ones",
  exactTime: "Exact time",
  protocol: "Protocol",
  alerts: "Alerts",
  sound: "Sound",
  desktop: "Desktop notifications",
  desktopDenied: "Blocked in the browser's settings for this site.",
  desktopUnavailable: "This browser offers them only on https or localhost.",

  emptyTitle: "All caught up",
  emptyText: "New notifications appear here by themselves.",
  emptyWaiting: "Waiting for the connection",
  emptyWaitingText: "What you miss meanwhile is kept for you.",
  noMatchTitle: "Nothing matches",
  /** @param {number} count */
  noMatchText: (count) => `${plural(count, "notification doesn't", "notifications don't")} contain this text.`,
  /** @param {number} count */
  fresh: (count) => plural(count, "new notification", "new notifications"),
  /** @param {string} title */
  announced: (title) => `New notification: ${title}`,
  untitled: "Notification",
  copy: "Copy JSON",
  copied: "Copied",
  copyFailed: "The browser doesn't allow copying.",
  fold: "Fold",
  unfold: "Unfold",
  hideJson: "Hide JSON",
  showJson: "Show JSON",
  /** @param {number} count */
  showAll: (count) => `Show all ${plural(count, "character", "characters")}`,
  levels: { info: "Info", success: "Success", warning: "Warning", error: "Error" },
  justNow: "just now",

  frameIn: "in",
  frameOut: "out",
  noFrames: "Frames appear here as they come and go.",
  clear: "Clear",

  areas: "Parts of the page",
  areaNames: { inbox: "Inbox", users: "Users", recipients: "Recipients", keys: "Keys", audit: "Audit" },
  areaMissing: "This part of the page couldn't be loaded.",
  reload: "Reload the page",

  tools: "Tools",
  toolsMissing: "The tools couldn't be loaded. Reload the page to try again.",
  sendTitle: "Send",
  sendUser: "User number",
  sendPayload: "Payload (JSON)",
  sendOptions: "Key and time to live",
  sendKey: "Key (a repeat with the same key is sent once)",
  sendTtl: "Time to live, in seconds",
  send: "Send",
  sending: "Sending…",
  /** @param {number} seq @param {string} key */
  sent: (seq, key) => `Sent: number ${seq} of this user, key ${key}`,
  sendFailed: "The server can't be reached. Sending again is safe: it won't be doubled.",
  /** @param {number} status */
  sendRefused: (status) => `The server refused it (${status}).`,
  wholeNumber: "A whole number, please.",
  jsonGood: "Valid JSON",
  /** @param {number} line @param {number} column @param {string} what */
  jsonFault: (line, column, what) => `Line ${line}, column ${column}: ${what}`,
  jsonFaults: {
    value: "a value is expected here",
    key: "a name in double quotes is expected here",
    colon: "a colon is expected here",
    comma: "a comma or the closing bracket is expected here",
    end: "nothing may follow the value",
    string: "this text in quotes isn't right",
    null: "null can't be sent",
  },

  liveTitle: "Live",
  liveUsers: "users connected",
  liveSockets: "sockets",
  liveSends: "sends per second",
  liveDeliveries: "deliveries per second",
  /** @param {string} sends @param {string} deliveries */
  livePlot: (sends, deliveries) => `The last two minutes. Now ${sends} sends and ${deliveries} deliveries per second.`,
  liveAway: "No figures at the moment.",
  store: "Store",
  relay: "Relay",
  rabbitmq: "RabbitMQ",
  /** @type {Record<string, string>} */
  states: {},
};
