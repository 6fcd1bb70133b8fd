/** Starts the page: resume the session or sign in, then show the inbox. */
import { Backoff } from "../notifier.js";
import { byId, showScreen } from "./dom.js";
import { Inbox } from "./inbox.js";
import { translate, words } from "./language.js";
import { Session } from "./session.js";
import { SignIn } from "./sign-in.js";

document.documentElement.lang = words.locale;
translate(document);

const session = new Session();
const signIn = new SignIn(session, enter);
const inbox = new Inbox(session, (notice) => signIn.show(notice));
const backoff = new Backoff();
let timer = 0;

byId("failure-retry").addEventListener("click", start);
addEventListener("online", () => !byId("failure").hidden && start());
start();

async function start() {
  clearInterval(timer);
  byId("failure-text").textContent = words.tryingNow;
  try {
    if (await session.resume()) enter();
    else signIn.show();
  } catch {
    fail();
  }
}

function enter() {
  backoff.reset();
  showScreen("inbox");
  inbox.open();
}

function fail() {
  showScreen("failure");
  const retryAt = Date.now() + 1_000 + backoff.next("wait");
  const count = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1_000);
    if (seconds <= 0) start();
    else byId("failure-text").textContent = words.tryingIn(seconds);
  };
  timer = setInterval(count, 1_000);
  count();
}
