/** Starts the page: resume the session or sign in, then show the inbox. */
import { byId, say, showScreen } from "./shared/dom.js";
import { guestOfAddress, watchAddress } from "./session/guest.js";
import { translate, words } from "./shared/language.js";
import { Refused, Session } from "./session/session.js";
import { SignIn } from "./session/sign-in.js";

// Before anything else: from here on no address holds a token.
const guest = guestOfAddress();
watchAddress();

document.documentElement.lang = words.locale;
translate(document);

const LONGEST_PAUSE = 30;

const session = new Session();
const signIn = new SignIn(session, enter);
/** @type {Promise<import("./inbox/screen.js").Screen> | undefined} */
let loading;
/** @type {Promise<void> | undefined} */
let starting;
let incomplete = false;
let failures = 0;
let timer = 0;

byId("failure-retry").addEventListener("click", retry);
byId("sign-in-form").addEventListener("input", () => loadInbox().catch(() => {}), { once: true });
addEventListener("online", () => !byId("failure").hidden && retry());
start();

/** Once at a time: two starts would open the inbox twice. */
function start() {
  starting ??= begin().finally(() => {
    starting = undefined;
  });
}

async function begin() {
  clearInterval(timer);
  byId("failure-text").textContent = words.tryingNow;
  try {
    if (await (guest ?? session).resume()) await enter();
    else leave();
  } catch (error) {
    if (error instanceof Refused && error.nobodySignsIn) showOutside(words.outside);
    else fail();
  }
}

/** @param {string} [notice] why signing in is necessary again */
function leave(notice) {
  if (guest) showOutside(words.outsideAgain);
  else signIn.show(notice);
}

/** @param {string} text how somebody gets in */
function showOutside(text) {
  say(byId("outside-text"), text);
  showScreen("outside");
}

/** The greater part of the page, fetched only when somebody is about to see it. */
function loadInbox() {
  loading ??= fetchInbox();
  return loading;
}

async function fetchInbox() {
  document.head.append(byId("inbox-modules").content);
  try {
    const { Screen } = await import("./inbox/screen.js");
    return new Screen(guest ?? session, leave);
  } catch (error) {
    incomplete = true;
    throw error;
  }
}

async function enter() {
  try {
    const screen = await loadInbox();
    showScreen("inbox");
    screen.open();
    failures = 0;
  } catch {
    fail();
  }
}

/** A module that failed to load is remembered as failed: only a new page asks again. */
function retry() {
  if (incomplete) location.reload();
  else start();
}

function fail() {
  showScreen("failure");
  const pause = Math.random() * Math.min(LONGEST_PAUSE, 2 ** ++failures);
  const retryAt = Date.now() + 1_000 * (1 + pause);
  const count = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1_000);
    if (seconds <= 0) retry();
    else byId("failure-text").textContent = words.tryingIn(seconds);
  };
  timer = window.setInterval(count, 1_000);
  count();
}
