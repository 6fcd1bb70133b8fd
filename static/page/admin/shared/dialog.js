/** A question that is answered before anything happens: what will happen, and what is needed for it. */
import { make, say } from "../../shared/dom.js";
import { Refused } from "../../session/session.js";
import { explain, fieldFaults } from "./faults.js";
import { words } from "./language.js";
import { button } from "./parts.js";

/**
 * @typedef {{ input: HTMLElement & { value?: string }, say: (text: string) => void,
 *             parts: Node[], check?: () => string }} Field `check` says what is wrong, before the server does
 *
 * @typedef {object} Question
 * @property {string} title
 * @property {(string | Node)[]} [text] paragraphs
 * @property {Record<string, Field>} [fields] by the names that the server knows them by
 * @property {string} confirm what the button says
 * @property {boolean} [danger] it can't be undone
 * @property {() => Promise<unknown>} act
 */

/** @param {Question} question @returns {Promise<boolean>} whether it was done */
export function ask(question) {
  return new Promise((resolve) => {
    const { element } = new Dialog(question, resolve);
    document.body.append(element);
    element.showModal();
  });
}

class Dialog {
  #fault = make("p", "notice bad");
  #confirm;
  #busy = false;
  #done = false;

  /** @param {Question} question @param {(done: boolean) => void} closed */
  constructor(question, closed) {
    this.question = question;
    this.#confirm = make("button", question.danger ? "danger" : "primary", question.confirm);
    this.#fault.setAttribute("role", "alert");
    say(this.#fault);
    const form = make("form", "stack", ...this.#content(), this.#fault, this.#buttons());
    form.noValidate = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.element = make("dialog", "ask", form);
    this.element.setAttribute("aria-labelledby", "ask-title");
    this.element.addEventListener("cancel", (event) => this.#busy && event.preventDefault());
    this.element.addEventListener("close", () => {
      this.element.remove();
      closed(this.#done);
    });
  }

  #content() {
    const title = make("h2", "", this.question.title);
    title.id = "ask-title";
    const paragraphs = (this.question.text ?? []).map((text) => make("p", "", text));
    return [title, ...paragraphs, ...this.#fields.flatMap(([, { parts }]) => parts)];
  }

  #buttons() {
    const cancel = button("", words.cancel, () => this.#busy || this.element.close());
    // Nothing is lost by pressing Enter too soon.
    if (this.question.danger) cancel.autofocus = true;
    return make("div", "ask-buttons", cancel, this.#confirm);
  }

  get #fields() {
    return Object.entries(this.question.fields ?? {});
  }

  async #submit() {
    if (this.#busy || !this.#check()) return;
    this.#setBusy(true);
    try {
      await this.question.act();
      this.#done = true;
      this.element.close();
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#setBusy(false);
    }
  }

  /** A button that is disabled for real would lose the focus. @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.#confirm.ariaDisabled = String(busy);
  }

  /** Whether everything can be sent; what can't is said beside it. */
  #check() {
    say(this.#fault);
    const wrong = this.#fields.filter(([, { say, check }]) => {
      const said = check?.() ?? "";
      say(said);
      return said !== "";
    });
    wrong[0]?.[1].input.focus();
    return wrong.length === 0;
  }

  /** @param {unknown} error */
  #explain(error) {
    const faults = fieldFaults(error);
    const elsewhere = faults.filter(([name]) => !this.question.fields?.[name]).map(([, said]) => said);
    for (const [name, said] of faults) this.question.fields?.[name]?.say(said);
    const [name] = faults.find(([name]) => this.question.fields?.[name]) ?? [];
    if (name) this.question.fields?.[name].input.focus();
    if (name && elsewhere.length === 0) return;
    say(this.#fault, elsewhere.join(" ") || general(error));
  }
}

/** @param {unknown} error */
function general(error) {
  const { title, text } = explain(error);
  const said = error instanceof Refused && error.status === 400 ? error.body?.detail : undefined;
  return said ?? `${title}. ${text}`;
}
