/** Every word of the operator's views, in English. Another language has the same names beside this file. */

/** @param {number} count */
const number = (count) => count.toLocaleString("en");

/** @param {number} count @param {string} one @param {string} many */
const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

export default {
  loading: "Loading…",
  refresh: "Refresh",
  tryAgain: "Try again",
  cancel: "Cancel",
  create: "Create",
  delete: "Delete",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "The browser doesn't allow copying.",
  none: "–",
  never: "never",
  details: "Details",
  pages: "Pages",
  previousPage: "Previous page",
  nextPage: "Next page",
  /** The server counts no further than this. @param {number} count */
  pendingCount: (count) => (count < 1_000 ? number(count) : `${number(count)} or more`),
  /** What one button of many is about. @param {string} action @param {string} name */
  of: (action, name) => `${action}: ${name}`,
  required: "Please fill this in.",
  positive: "A whole number above zero, or nothing.",
  wholeNumber: "A whole number, please.",
  nameTaken: "Somebody has this name already.",

  faults: {
    unreachable: { title: "The server can't be reached", text: "The page tries again by itself." },
    away: { title: "The server can't look this up right now", text: "Its store is away or busy. The page tries again by itself." },
    tooMany: { title: "Too many requests", text: "The page tries again in a moment." },
    forbidden: { title: "Only superusers may see this", text: "Your account may have been changed meanwhile." },
    signedOut: { title: "You were signed out", text: "Sign in again to go on." },
    gone: { title: "There is nothing here any more", text: "It may have been deleted meanwhile." },
    /** @param {number} status */
    refused: (status) => `The server refused it (${status})`,
  },

  name: "Name",
  password: "Password",
  connection: "Connection",
  pending: "Pending",
  created: "Created",
  firstSeen: "First seen",
  /** @param {number} sockets @param {string} since */
  online: (sockets, since) => `${plural(sockets, "device", "devices")} since ${since}`,
  offline: "offline",
  /** @param {number} count @param {boolean} more */
  found: (count, more) => (more ? `${plural(count, "entry", "entries")} on this page, more on the next.` : `${plural(count, "entry", "entries")} on this page.`),
  nobody: "Nobody yet",
  noMatch: "Nobody has such a name",
  /** @param {string} search */
  noMatchText: (search) => `No name begins with “${search}”.`,

  users: "Users",
  user: "User",
  allUsers: "All users",
  searchUsers: "Name begins with…",
  newUser: "New user",
  superuser: "superuser",
  superuserExplained: "Superuser: may see and change everything here",
  ordinaryUser: "ordinary user",
  deactivated: "deactivated",
  number: "Number",
  kind: "Kind",
  actions: "Actions",
  ownAccount: "This is you. Another superuser can deactivate, demote or delete your account.",

  rename: "Rename",
  /** @param {string} name */
  renameTitle: (name) => `Rename ${name}`,
  renameText: "The new name is for signing in. Sessions and notifications stay.",
  renamed: "Renamed.",
  resetPassword: "Reset the password",
  newPassword: "New password",
  /** @param {string} name */
  resetPasswordTitle: (name) => `New password for ${name}`,
  resetPasswordText: "All their sessions and tokens end. Tell them the new password in a safe way.",
  passwordReset: "The password was changed.",
  promote: "Make a superuser",
  /** @param {string} name */
  promoteTitle: (name) => `Make ${name} a superuser?`,
  promoteText: "They will be able to see and change everything here, other superusers too.",
  promoted: "Now a superuser.",
  demote: "Make an ordinary user",
  /** @param {string} name */
  demoteTitle: (name) => `Make ${name} an ordinary user?`,
  demoteText: "They keep their account and their notifications, and no longer see these pages.",
  demoted: "Now an ordinary user.",
  deactivate: "Deactivate",
  /** @param {string} name */
  deactivateTitle: (name) => `Deactivate ${name}?`,
  deactivateText: "Their sessions, tokens and connections end at once, and they can't sign in. What is sent to them is kept.",
  wasDeactivated: "Deactivated.",
  activate: "Activate",
  /** @param {string} name */
  activateTitle: (name) => `Activate ${name}?`,
  activateText: "They can sign in again, and get what was kept for them.",
  wasActivated: "Activated.",
  endSessions: "End all sessions",
  /** @param {string} name */
  endSessionsTitle: (name) => `End all sessions of ${name}?`,
  endSessionsText: "All devices are signed out and disconnected, and all tokens of the account end, those of programs too.",
  sessionsEnded: "All sessions have ended.",
  /** @param {string} name */
  deleteTitle: (name) => `Delete ${name}?`,
  deleteUserText: "This removes the account, its sessions and tokens, and every notification that is kept for it. Connected devices are signed out.",
  /** @param {number} count */
  deletePending: (count) => (count ? `${plural(count, "notification hasn't", "notifications haven't")} arrived yet and never will.` : "Nothing is waiting to be delivered."),
  forEver: "This can't be undone.",

  sessions: "Signed in on",
  noSessions: "Nowhere",
  device: "Device",
  unknownDevice: "unknown",
  address: "Address",
  signedIn: "Signed in",
  lastUsed: "Last used",
  ends: "Ends",

  lastNotifications: "Last notifications",
  nothingKept: "No notification is kept for them",
  older: "Show older ones",
  acknowledged: "acknowledged",
  waiting: "pending",
  waitingUntil: "pending until",
  expired: "expired",
  /** @param {string} name */
  sentBy: (name) => `Sent with the key ${name}`,
  sentWithoutKey: "Sent without a key",

  recipients: "Recipients",
  allRecipients: "All recipients",
  searchRecipients: "Name begins with…",
  revokeTokens: "Revoke tokens",
  /** @param {string} name */
  revokeTokensTitle: (name) => `Revoke the tokens of ${name}?`,
  revokeTokensText: "Their connections close, and tokens issued before now are refused. Your application can issue new ones.",
  tokensRevoked: "Tokens that were issued before now are refused.",
  deleteRecipientText: "This removes every notification that is kept for them. The next send or connection makes them again, with an empty log.",

  keys: "Keys",
  newKey: "New key",
  noKeys: "No key yet",
  noKeysText: "Programs send with a key, and each should have its own.",
  allowed: "May",
  expires: "Expires",
  neverUsed: "never",
  /** @param {string} prefix */
  onlyUsers: (prefix) => `only users ${prefix}…`,
  /** @param {number} rate */
  atMost: (rate) => `at most ${number(rate)}/s`,
  rotate: "Rotate",
  revoke: "Revoke",
  revokedAt: "Revoked",
  revokedTitle: "Revoked keys",
  /** @param {number} count */
  revokedKeys: (count) => plural(count, "revoked key", "revoked keys"),
  keyName: "Name (the program that will use it)",
  keyScopes: "It may",
  chooseScope: "Choose at least one.",
  /** @type {Record<string, string>} */
  scopes: {
    send: "send notifications",
    identity: "get tokens with which users connect",
    inbox: "read what is kept for users",
    withdraw: "take notifications back",
    receipts: "see what has arrived",
    revoke: "end connections and tokens of users",
    metrics: "read the server's figures",
  },
  keyPrefix: "Only for users whose names begin with",
  keyPrefixHint: "Of your application's own users, such as eu: for eu:anna. Empty: all users.",
  keyRate: "Sends per second, at most",
  keyRateHint: "Empty: what the server allows every key.",
  keyDays: "Days until it expires",
  keyDaysHint: "Empty: it never does.",
  /** @param {string} name */
  keyMade: (name) => `The key ${name}`,
  keyShownOnce: "Copy it now. It is not stored, and this page won't show it again.",
  theKey: "Key",
  tryIt: "Try it in a shell",
  keyKept: "I have kept it",
  /** @param {string} name */
  rotateTitle: (name) => `Rotate ${name}`,
  rotateText: "You get a new key with the same name and rights. The old one stays valid for a while, so that you can replace it.",
  keepHours: "Hours that the old one stays valid",
  /** @param {string} name */
  revokeTitle: (name) => `Revoke ${name}?`,
  revokeText: "Programs that use it are refused at once. This can't be undone.",
  /** @param {string} name */
  revoked: (name) => `${name} was revoked.`,

  audit: "Audit log",
  auditColumns: ["When", "What", "Who", "Whom or what", "From"],
  what: "What",
  anyAction: "Everything",
  actorLabel: "Who did it, such as user:ann, key:billing, cli:root or server",
  actorExample: "user:ann",
  stranger: "a stranger",
  follow: "Follow live",
  noEntries: "Nothing was recorded that fits",
  /** @param {number} count */
  times: (count) => `${number(count)} times, last`,
  /** @type {Record<string, string>} */
  actorKinds: { user: "user", key: "key", recipient: "recipient", session: "session", cli: "command line:", server: "the server" },
  /** @type {Record<string, string>} */
  auditActions: {
    started: "Server started",
    signed_in: "Signed in",
    sign_in_failed: "Failed to sign in",
    signed_out: "Signed out",
    signed_out_everywhere: "Signed out everywhere",
    session_ended: "Session ended",
    password_changed: "Password changed",
    user_created: "User created",
    user_renamed: "User renamed",
    user_promoted: "Made a superuser",
    user_demoted: "Made an ordinary user",
    user_activated: "User activated",
    user_deactivated: "User deactivated",
    user_deleted: "User deleted",
    user_revoked: "Tokens revoked",
    key_created: "Key created",
    key_first_used: "Key used first",
    key_rotated: "Key rotated",
    key_revoked: "Key revoked",
    secret_rotated: "Secret rotated",
  },
};
