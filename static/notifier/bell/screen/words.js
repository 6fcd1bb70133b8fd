/** What is said once a bell is open, in English. */
export default {
  title: "Notifications",
  close: "Close",
  readAll: "Mark all as read",
  tabs: "Which notifications",
  /** @type {Record<string, string>} */
  tab: { all: "All", unread: "Unread", archived: "Archived" },
  /** @param {number} count */
  fresh: (count) => `${count.toLocaleString("en")} new`,

  read: "Mark as read",
  unread: "Mark as unread",
  archive: "Archive",
  unarchive: "Move back to the inbox",
  snooze: "Snooze",
  unreadMark: "Unread",
  /** @param {number} count */
  more: (count) => `${count.toLocaleString("en")} more like this`,
  unfold: "Show all of them",
  fold: "Show one of them",
  dismiss: "Dismiss",
  /** @type {Record<string, string>} */
  levels: { info: "Information", success: "Success", warning: "Warning", error: "Error" },
  /** @type {Record<string, string>} */
  priorities: { urgent: "Urgent", high: "Important", low: "Low priority" },

  justNow: "just now",
  /** @type {Record<string, string>} */
  later: { hour: "In an hour", evening: "This evening", tomorrow: "Tomorrow morning", week: "Next week" },
  /** @param {string} when */
  snoozedUntil: (when) => `Snoozed until ${when}`,

  /** @type {Record<string, string>} */
  done: { readAll: "All marked as read.", archive: "Archived.", snooze: "Snoozed.", undo: "Undone." },
  undo: "Undo",
  notDone: "That didn't reach the server. Please try again.",

  loading: "Loading…",
  emptyTitle: "All caught up",
  emptyText: "New notifications appear here by themselves.",
  noUnread: "Nothing is unread",
  noArchived: "Nothing is archived",
  failedTitle: "The notifications couldn't be loaded",
  again: "Try again",
  offline: "You are offline. What you miss is kept for you.",
  signedOut: "Nobody is signed in.",
};
