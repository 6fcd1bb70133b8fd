/** The form that sends a notification. */
import { make, say } from "../shared/dom.js";
import { field } from "../shared/field.js";
import { fault } from "../shared/json.js";
import { words } from "../shared/language.js";
import { Refused } from "../session/session.js";

/** @typedef {import("../session/session.js").Session} Session */

const EXAMPLE = '{"title": "Hello", "body": "It works.", "level": "success"}';

export class SendForm {
  #user = field("send-user", words.sendUser, make("input"));
  #payload = field("send-payload", words.sendPayload, make("textarea"));
  #key = field("send-key", words.sendKey, make("input"));
  #ttl = field("send-ttl", words.sendTtl, make("input"));
  #category = field("send-category", words.sendCategory, make("input"));
  #collapseKey = field("send-collapse-key", words.sendCollapseKey, make("input"));
  /** Somebody of an application's. */
  #name = field("send-name", words.sendName, make("input"));
  #naming = make("div", "stack-in");
  #priority = make("select");
  #verdict = make("p", "hint");
  #result = make("p", "notice");
  #button = make("button", "primary", words.send);
  /** Identifies one wish to send, so that pressing the button again can't double it. */
  #wish = newKey();

  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    const options = make("details", "options", make("summary", "", words.sendOptions));
    for (const { parts } of [this.#key, this.#collapseKey, this.#ttl, this.#category]) options.append(...parts);
    options.append(this.#priorities());
    this.#naming.append(...this.#name.parts);
    this.#naming.hidden = true;
    options.append(this.#naming);
    options.addEventListener("toggle", () => this.#offerNames(), { once: true });
    const form = make("form", "stack", ...this.#user.parts, ...this.#payload.parts);
    form.append(this.#verdict, options, this.#button, this.#result);
    form.noValidate = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener("input", () => {
      this.#wish = newKey();
      this.#check();
    });
    this.element = make("details", "panel", make("summary", "", words.sendTitle), form);
    this.#prepare();
  }

  #prepare() {
    const { input: user } = this.#user;
    const { input: payload } = this.#payload;
    for (const { input } of [this.#user, this.#ttl]) input.inputMode = "numeric";
    user.value = String(this.session.user?.id ?? "");
    payload.value = EXAMPLE;
    payload.spellcheck = false;
    this.#verdict.setAttribute("role", "status");
    this.#result.setAttribute("role", "status");
    this.#result.hidden = true;
    this.#check();
  }

  #priorities() {
    for (const [value, name] of Object.entries(words.priorities)) {
      const option = make("option", "", name);
      option.value = value;
      this.#priority.append(option);
    }
    this.#priority.value = "normal";
    return make("label", "", words.factPriority, this.#priority);
  }

  /** Where the server lets an application name its users (NOTIFIER_USERS), one can be named here. */
  async #offerNames() {
    try {
      const { components } = await this.session.call("GET", "/api/schema/");
      this.#naming.hidden = components.schemas.SendRequest.properties.user === undefined;
    } catch (error) {
      console.warn(error);
    }
  }

  /** Say while typing whether the payload can be sent. */
  #check() {
    const text = this.#payload.input.value;
    const found = fault(text);
    let said = words.jsonGood;
    if (found) said = words.jsonFault(found.line, found.column, words.jsonFaults[found.what]);
    else if (text.trim() === "null") said = words.jsonFaults.null;
    const good = said === words.jsonGood;
    this.#verdict.textContent = said;
    this.#verdict.classList.toggle("bad", !good);
    this.#payload.input.setAttribute("aria-invalid", String(!good));
    return good;
  }

  async #submit() {
    for (const { say } of this.#fields) say("");
    say(this.#result);
    for (const { input, say } of [this.#user, this.#ttl]) {
      const needed = input === this.#user.input && this.#name.input.value === "";
      if (/^\d+$/.test(input.value) || (input.value === "" && !needed)) continue;
      say(words.wholeNumber);
      return input.focus();
    }
    if (!this.#check()) return this.#payload.input.focus();
    this.#button.disabled = true;
    this.#button.textContent = words.sending;
    try {
      const { seq, key } = await this.session.call("POST", "/api/notifications/send/", this.#body());
      this.#wish = newKey();
      this.#conclude(words.sent(seq, key), true);
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#button.disabled = false;
      this.#button.textContent = words.send;
    }
  }

  /** The payload goes out as it was typed: big numbers survive. */
  #body() {
    const name = this.#name.input.value;
    const fields = {
      ...(name ? { user: name } : { user_id: this.#user.input.value }),
      key: this.#key.input.value || this.#wish,
      ttl: this.#ttl.input.value ? Number(this.#ttl.input.value) : undefined,
      category: this.#category.input.value || undefined,
      priority: this.#priority.value,
      collapse_key: this.#collapseKey.input.value || undefined,
    };
    return `${JSON.stringify(fields).slice(0, -1)},"payload":${this.#payload.input.value}}`;
  }

  /** @param {unknown} error */
  #explain(error) {
    if (!(error instanceof Refused)) return this.#conclude(words.sendFailed, false);
    const { user_id, payload, key, ttl, category, user, collapse_key, detail } = error.body ?? {};
    [user_id, payload, key, ttl, category, user, collapse_key].forEach((faults, index) => {
      if (Array.isArray(faults)) this.#fields[index].say(faults.join(" "));
    });
    this.#conclude(detail ?? words.sendRefused(error.status), false);
  }

  get #fields() {
    return [this.#user, this.#payload, this.#key, this.#ttl, this.#category, this.#name, this.#collapseKey];
  }

  /** @param {string} text @param {boolean} good */
  #conclude(text, good) {
    say(this.#result, text);
    this.#result.classList.toggle("bad", !good);
    this.#result.scrollIntoView({ block: "nearest" });
  }
}

/** Random, also on insecure origins, where `crypto.randomUUID` is missing. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
