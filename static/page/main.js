/** Starts the page: resume the session or sign in, then show the inbox. */
import { byId, showScreen } from "./dom.js";
import { translate, words } from "./language.js";
import { Session } from "./session.js";
import { SignIn } from "./sign-in.js";

document.documentElement.lang = words.locale;
translate(document);

const LONGEST_PAUSE = 30;

const session = new Session();
const signIn = new SignIn(session, enter);
// Fetched meanwhile, but the sign-in form doesn't wait for it.
const loadingInbox = import("./inbox.js").then(
  ({ Inbox }) => new Inbox(session, (notice) => signIn.show(notice)),
);
let failures = 0;
let timer = 0;

byId("failure-retry").addEventListener("click", start);
addEventListener("online", () => !byId("failure").hidden && start());
start();

async function start() {
  clearInterval(timer);
  byId("failure-text").textContent = words.tryingNow;
  try {
    if (await session.resume()) await enter();
    else signIn.show();
    failures = 0;
  } catch {
    fail();
  }
}

async function enter() {
  const inbox = await loadingInbox;
  showScreen("inbox");
  inbox.open();
}

function fail() {
  showScreen("failure");
  const pause = Math.random() * Math.min(LONGEST_PAUSE, 2 ** ++failures);
  const retryAt = Date.now() + 1_000 * (1 + pause);
  const count = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1_000);
    if (seconds <= 0) start();
    else byId("failure-text").textContent = words.tryingIn(seconds);
  };
  timer = window.setInterval(count, 1_000);
  count();
}
