/** What all views are: a heading, what can be done, and a place for what was asked for. */
import { make, say } from "../../shared/dom.js";
import { showPlace } from "../../shared/title.js";
import { explain } from "./faults.js";
import { words } from "./language.js";
import { button } from "./parts.js";

export class View {
  actions = make("div", "view-actions");
  body = make("div", "view-body");
  #fault = make("div", "fault");
  #status = make("p", "notice");
  #loading = new AbortController();
  #timer = 0;

  /** @param {string} title */
  constructor(title) {
    this.heading = make("h2", "", title);
    this.heading.tabIndex = -1;
    this.#status.setAttribute("role", "status");
    this.#fault.setAttribute("role", "alert");
    say(this.#status);
    this.#fault.hidden = true;
    const head = make("div", "view-head", this.heading, this.actions);
    this.element = make("section", "view", head, this.#status, this.#fault, this.body);
    this.retry = () => this.reload();
  }

  /** The view is in the document. */
  start() {
    this.heading.focus({ preventScroll: true });
    addEventListener("online", this.retry);
    this.reload();
  }

  close() {
    // A question about what is no longer in view.
    /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog.ask"))?.close();
    this.#loading.abort();
    clearTimeout(this.#timer);
    removeEventListener("online", this.retry);
  }

  /** Whether an answer is awaited, or will be asked for again by itself. */
  get waiting() {
    return this.body.ariaBusy === "true" || !this.#fault.hidden;
  }

  /** Ask for everything again. */
  async reload() {}

  /** @param {string} title of what was found */
  rename(title) {
    this.heading.textContent = title;
    showPlace(title);
  }

  /** Say what was done. @param {string} text */
  tell(text) {
    say(this.#status, text);
    // What opened a dialog may be gone.
    if (document.activeElement === document.body) this.heading.focus({ preventScroll: true });
  }

  /**
   * Ask, and show the answer in place of what was there. A later call takes the place of an earlier one.
   * @template Found
   * @param {(signal: AbortSignal) => Promise<Found>} ask
   * @param {(found: Found) => void} show
   */
  async load(ask, show) {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    clearTimeout(this.#timer);
    say(this.#status);
    this.body.ariaBusy = "true";
    if (!this.body.hasChildNodes()) this.body.append(make("p", "quiet delayed", words.loading));
    const answer = await ask(signal).catch((error) => this.#fail(error, signal));
    if (signal.aborted) return;
    this.body.ariaBusy = null;
    if (!answer) return;
    this.#fault.hidden = true;
    this.body.hidden = false;
    show(answer);
  }

  /** @param {unknown} error @param {AbortSignal} signal */
  #fail(error, signal) {
    if (signal.aborted) return;
    const { title, text, retryAfter } = explain(error);
    this.body.hidden = true;
    if (retryAfter !== undefined) this.#timer = window.setTimeout(this.retry, retryAfter * 1_000);
    // Said aloud once, and not at every attempt that fails the same way.
    if (!this.#fault.hidden && this.#fault.dataset.title === title) return;
    this.#fault.dataset.title = title;
    this.#fault.replaceChildren(make("h3", "", title), make("p", "quiet", text));
    if (retryAfter !== undefined) this.#fault.append(button("", words.tryAgain, this.retry));
    this.#fault.hidden = false;
  }
}
