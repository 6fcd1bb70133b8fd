/** The signed-in screen: ties the connection to what shows it. */
import { Inbox } from "../../notifier-inbox.js";
import { Alerts } from "./alerts.js";
import { byId, say } from "../shared/dom.js";
import { words } from "../shared/language.js";
import { warn } from "./deeds.js";
import { Light } from "./light.js";
import { Preferences } from "./preferences.js";
import { Protocol } from "./protocol.js";
import { Reader } from "./reader.js";
import { Session } from "../session/session.js";

/** @typedef {import("../session/guest.js").Guest} Guest */

const PROBLEM_SHOWN = 8_000;

export class Screen {
  #preferences = new Preferences();
  #reader = new Reader(this.#preferences);
  #alerts = new Alerts(this.#preferences);
  #light = new Light();
  /** @type {Inbox | null} */
  #inbox = null;
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
    byId("reconnect").addEventListener("click", () => this.#inbox?.reconnect());
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
    const inbox = new Inbox({ ...this.session.whose, getToken: () => this.session.identity() });
    this.#inbox = inbox;
    inbox.addEventListener("notification", ({ detail }) => this.#alerts.announce(detail));
    inbox.addEventListener("counts", ({ detail }) => this.#alerts.count(detail.unseen));
    inbox.addEventListener("status", ({ detail }) => this.#changed(detail));
    inbox.addEventListener("error", ({ detail }) => warn(detail));
    inbox.addEventListener("frame", ({ detail }) => this.#protocol.add(detail));
    this.#reader.open(inbox);
    inbox.connect();
  }

  /** @param {import("../../notifier.js").Status} status */
  #changed(status) {
    this.#light.show(status);
    this.#reader.list.setConnected(status.state === "connected");
    this.#tools?.setConnected(status.state === "connected");
    // The server closes the socket of a sign-out too, and may be faster than its answer.
    if (status.state !== "closed" || status.reason === "closed") return;
    if (status.reason === "revoked") this.#revoked();
    else this.#ended();
  }

  /** The tokens hold no more. Whether the session does, as behind a change of password, the server says. */
  async #revoked() {
    const { user } = this.session;
    const inbox = this.#inbox;
    const goesOn = await this.session.resume().catch(() => true);
    // Meanwhile somebody may have signed out.
    if (!inbox || !user || inbox !== this.#inbox) return;
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
    const inbox = this.#inbox;
    if (!inbox) return;
    this.#inbox = null;
    inbox.close();
    this.session.forget();
    this.#account?.close();
    this.#tools?.close();
    this.#tools = null;
    this.#areas?.close();
    this.#areas = null;
    this.#reader.close();
    this.#alerts.clear();
    this.#protocol.clear();
    this.leave(notice);
  }

  /** @param {Session} session */
  async #openAccount(session) {
    const inbox = this.#inbox;
    document.head.append(byId("account-modules").content);
    try {
      const { openAccount } = await import("../account/dialog.js");
      if (inbox && this.#inbox && !this.#account?.open) {
        this.#account = openAccount(session, () => this.#signOut(session, true));
      }
    } catch {
      this.#complain(words.accountMissing);
    }
  }

  /** @param {Session} session */
  async #openTools(session) {
    const inbox = this.#inbox;
    try {
      const { Tools } = await import("../tools/tools.js");
      // Meanwhile somebody may have signed out.
      if (inbox !== this.#inbox) return;
      this.#tools = new Tools(byId("tools"), session);
      this.#tools.setConnected(inbox?.status.state === "connected");
    } catch {
      this.#complain(words.toolsMissing);
    }
  }

  /** @param {Session} session */
  async #openAreas(session) {
    const inbox = this.#inbox;
    try {
      const { Areas } = await import("../admin/areas.js");
      if (inbox === this.#inbox) this.#areas = new Areas(session);
    } catch {
      this.#complain(words.toolsMissing);
    }
  }
}
