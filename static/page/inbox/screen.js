/** The signed-in screen: ties the connection to what shows it. */
import { NotifierClient } from "../../notifier.js";
import { Alerts } from "./alerts.js";
import { byId, say } from "../shared/dom.js";
import { Entry } from "./entry.js";
import { Feed } from "./feed.js";
import { words } from "../shared/language.js";
import { Light } from "./light.js";
import { Preferences } from "./preferences.js";
import { Protocol } from "./protocol.js";
import { Session } from "../session/session.js";
import { inSlices } from "../shared/slices.js";

/** @typedef {import("../session/guest.js").Guest} Guest */

const FILTER_PAUSE = 120;
const PROBLEM_SHOWN = 8_000;

export class Inbox {
  #preferences = new Preferences();
  #feed = new Feed(this.#preferences, (entries) => this.#added(entries));
  #alerts = new Alerts(this.#preferences);
  #light = new Light();
  /** @type {NotifierClient | null} */
  #client = null;
  #protocol = new Protocol(byId("protocol"));
  /** @type {import("../tools/tools.js").Tools | null} */
  #tools = null;
  /** @type {import("../admin/areas.js").Areas | null} */
  #areas = null;
  /** @type {HTMLDialogElement | null} */
  #account = null;
  #signingOut = false;
  /** The other tabs of this browser: told by the number of a user that it signed out. */
  #tabs = new BroadcastChannel("notifier/sign-outs");

  /** @param {Session | Guest} session @param {(notice?: string) => void} leave */
  constructor(session, leave) {
    this.session = session;
    this.leave = leave;
    this.#preferences.bind(document);
    const showProtocol = () => this.#protocol.show(this.#preferences.get("protocol") === true);
    this.#preferences.addEventListener("change", showProtocol);
    showProtocol();
    if (session instanceof Session) this.#bindSignOut(session);
    byId("reconnect").addEventListener("click", () => this.#client?.reconnect());
    this.#bindFilter();
  }

  open() {
    const { user } = this.session;
    if (!user) return;
    byId("who").textContent = user.username;
    this.#connect();
    if (!user.is_superuser || !(this.session instanceof Session)) return;
    this.#openTools(this.session);
    this.#openAreas(this.session);
  }

  #connect() {
    this.#client = new NotifierClient({
      ...this.session.whose,
      getToken: () => this.session.identity(),
      ack: "manual",
    });
    this.#client.addEventListener("notification", ({ detail }) => this.#feed.add(new Entry(detail)));
    this.#client.addEventListener("state", ({ detail }) => this.#changed(detail));
    this.#client.addEventListener("error", ({ detail }) => console.warn(detail));
    this.#client.addEventListener("frame", ({ detail }) => this.#protocol.add(detail));
    this.#client.connect();
  }

  /** Acknowledged is what can be seen. @param {Entry[]} entries */
  #added(entries) {
    if (this.#client) inSlices(acknowledging(this.#client, entries));
    this.#alerts.announce(entries);
  }

  /** @param {import("../../notifier.js").Status} status */
  #changed(status) {
    this.#light.show(status);
    this.#feed.setConnected(status.state === "connected");
    this.#tools?.setConnected(status.state === "connected");
    // The server closes the socket of a sign-out too, and may be faster than its answer.
    if (status.state !== "closed" || status.reason === "closed") return;
    if (status.reason === "revoked") this.#revoked();
    else this.#ended();
  }

  /** The tokens hold no more. Whether the session does, as behind a change of password, the server says. */
  async #revoked() {
    const { user } = this.session;
    const client = this.#client;
    const goesOn = await this.session.resume().catch(() => true);
    // Meanwhile somebody may have signed out.
    if (!client || !user || client !== this.#client) return;
    if (goesOn) this.#connect();
    else this.#ended();
  }

  #ended() {
    this.#close(this.#signingOut ? "" : words.signedOutElsewhere);
  }

  /** @param {Session} session */
  #bindSignOut(session) {
    byId("account-open").hidden = byId("sign-out").hidden = false;
    byId("account-open").addEventListener("click", () => this.#openAccount(session));
    byId("sign-out-here").addEventListener("click", () => this.#signOut(session, false));
    byId("sign-out-everywhere").addEventListener("click", () => this.#signOut(session, true));
    this.#tabs.onmessage = ({ data }) => data === session.user?.id && this.#close(words.signedOutElsewhere);
  }

  /** @param {Session} session @param {boolean} everywhere */
  async #signOut(session, everywhere) {
    byId("sign-out-menu").hidePopover();
    this.#account?.close();
    this.#signingOut = true;
    try {
      const id = session.user?.id;
      await session.signOut(everywhere);
      this.#tabs.postMessage(id);
      this.#close();
    } catch {
      this.#complain(words.signOutFailed);
    } finally {
      this.#signingOut = false;
    }
  }

  /** @param {string} text */
  #complain(text) {
    say(byId("problem"), text);
    setTimeout(() => say(byId("problem")), PROBLEM_SHOWN);
  }

  /** @param {string} [notice] */
  #close(notice) {
    const client = this.#client;
    if (!client) return;
    this.#client = null;
    client.close();
    this.session.forget();
    this.#account?.close();
    this.#tools?.close();
    this.#tools = null;
    this.#areas?.close();
    this.#areas = null;
    this.#feed.clear();
    this.#alerts.clear();
    this.#protocol.clear();
    byId("filter").value = "";
    this.leave(notice);
  }

  #bindFilter() {
    const filter = byId("filter");
    let timer = 0;
    filter.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.#feed.filter(filter.value), FILTER_PAUSE);
    });
    addEventListener("keydown", (event) => {
      const typing = event.target instanceof Element && event.target.matches("input, textarea");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      filter.focus();
    });
  }

  /** @param {Session} session */
  async #openAccount(session) {
    const client = this.#client;
    document.head.append(byId("account-modules").content);
    try {
      const { openAccount } = await import("../account/dialog.js");
      if (client && this.#client && !this.#account?.open) {
        this.#account = openAccount(session, () => this.#signOut(session, true));
      }
    } catch {
      this.#complain(words.accountMissing);
    }
  }

  /** @param {Session} session */
  async #openTools(session) {
    const client = this.#client;
    try {
      const { Tools } = await import("../tools/tools.js");
      // Meanwhile somebody may have signed out.
      if (client !== this.#client) return;
      this.#tools = new Tools(byId("tools"), session);
      this.#tools.setConnected(client?.status.state === "connected");
    } catch {
      this.#complain(words.toolsMissing);
    }
  }

  /** @param {Session} session */
  async #openAreas(session) {
    const client = this.#client;
    try {
      const { Areas } = await import("../admin/areas.js");
      if (client === this.#client) this.#areas = new Areas(session);
    } catch {
      this.#complain(words.toolsMissing);
    }
  }
}

/** One at a step, because thousands can come at once. @param {NotifierClient} client @param {Entry[]} entries */
function* acknowledging(client, entries) {
  for (const { key } of entries) yield client.ack(key);
}
