/** Where somebody is signed in, and signing out there. */
import { device } from "../shared/device.js";
import { make, say } from "../shared/dom.js";
import { label } from "../shared/language.js";
import { Refused } from "../session/session.js";
import { showTime } from "../shared/time.js";
import { words } from "./language.js";

/**
 * @typedef {import("../session/session.js").Session} Session
 * @typedef {{ id: number, used_at: string, address: string, user_agent: string, current: boolean }} Device
 */

const PATH = "/api/users/sessions/";

export class Devices {
  #list = make("ul", "devices");
  #said = make("p", "notice");
  #title = make("h3", "", words.devices);
  #again = make("button", "plain", words.tryAgain);

  /** @param {Session} session @param {() => void} everywhere */
  constructor(session, everywhere) {
    this.session = session;
    this.#title.tabIndex = -1;
    this.#said.setAttribute("role", "status");
    this.#again.addEventListener("click", () => this.load());
    const all = make("button", "", words.everywhere);
    const hint = make("p", "hint", words.everywhereHint);
    hint.id = "everywhere-hint";
    all.setAttribute("aria-describedby", hint.id);
    all.addEventListener("click", everywhere);
    this.#say("");
    this.element = make("section", "stack", this.#title, this.#said, this.#again, this.#list, all, hint);
  }

  async load() {
    this.#again.hidden = true;
    try {
      const { sessions } = await this.session.call("GET", PATH);
      this.#list.replaceChildren(...sessions.map((/** @type {Device} */ each) => this.#item(each)));
      if (this.#said.classList.contains("bad")) this.#say("");
    } catch {
      this.#say(words.devicesMissing, true);
      this.#again.hidden = false;
    }
  }

  /** @param {Device} each */
  #item(each) {
    const name = device(each.user_agent) || words.unknownDevice;
    const title = make("b", "", name);
    title.title = each.user_agent;
    const time = make("time");
    time.dateTime = each.used_at;
    showTime(time, false);
    const about = make("p", "hint", `${words.from(each.address)} · ${words.lastUsed} `, time);
    const item = make("li", "", make("div", "", title, about));
    if (each.current) item.append(make("span", "this-device", words.thisDevice));
    else item.append(this.#end(each, name));
    return item;
  }

  /** @param {Device} each @param {string} name */
  #end({ id, address }, name) {
    const button = make("button", "", words.end);
    label(button, words.endNamed(name, address));
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await this.session.call("DELETE", `${PATH}${id}/`);
        this.#say(words.ended);
      } catch (error) {
        // It may have ended by itself meanwhile.
        if (!(error instanceof Refused && error.status === 404)) {
          button.disabled = false;
          return this.#say(words.notEnded, true);
        }
      }
      // Its button is about to go, and the focus must not be lost with it.
      this.#title.focus();
      await this.load();
    });
    return button;
  }

  /** @param {string} text @param {boolean} [bad] */
  #say(text, bad = false) {
    say(this.#said, text);
    this.#said.classList.toggle("bad", bad);
  }
}
