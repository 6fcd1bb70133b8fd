/** Who did what, from where: newest first, followed while somebody looks. */
import { make } from "../../shared/dom.js";
import { label } from "../../shared/language.js";
import { format } from "../shared/address.js";
import { entryRow, repeats } from "./entry-row.js";
import { words } from "../shared/language.js";
import { pager } from "../shared/pager.js";
import { empty, refresher } from "../shared/parts.js";
import { row, table } from "../shared/table.js";
import { View } from "../shared/view.js";

/** @typedef {import("../shared/api.js").Entry} Entry */

const PAUSE = 300;
const INTERVAL = 2_000;
const MOST_ROWS = 200;

export class AuditView extends View {
  #action = make("select");
  #actor = make("input");
  #follow = make("input");
  #typing = 0;
  #following = 0;
  /** @type {Map<number, HTMLElement>} by the numbers of their entries */
  #rows = new Map();
  #table = make("table");

  /** @param {import("../shared/api.js").Api} api @param {import("../shared/address.js").Address} address */
  constructor(api, { query }) {
    super(words.audit);
    this.api = api;
    this.after = query.get("after") ?? "";
    this.#prepareAction(query.get("action") ?? "");
    this.#prepareActor(query.get("actor") ?? "");
    const follow = make("label", "check", this.#follow, words.follow);
    Object.assign(this.#follow, { type: "checkbox", checked: query.has("follow") });
    this.#follow.addEventListener("change", () => this.#filter());
    this.actions.append(this.#action, this.#actor, follow, refresher(() => this.reload()));
  }

  start() {
    super.start();
    this.#following = window.setInterval(() => this.#look(), INTERVAL);
  }

  close() {
    clearInterval(this.#following);
    clearTimeout(this.#typing);
    super.close();
  }

  reload() {
    return this.load((signal) => this.#page(signal), (found) => this.#show(found));
  }

  /** @param {string} chosen */
  #prepareAction(chosen) {
    const options = Object.entries(words.auditActions).map(([action, said]) => new Option(said, action));
    this.#action.append(new Option(words.anyAction, ""), ...options);
    this.#action.value = chosen;
    label(this.#action, words.what);
    this.#action.addEventListener("change", () => this.#filter());
  }

  /** @param {string} value */
  #prepareActor(value) {
    Object.assign(this.#actor, { type: "search", value, placeholder: words.actorExample, spellcheck: false });
    Object.assign(this.#actor, { autocomplete: "off", autocapitalize: "none" });
    label(this.#actor, words.actorLabel);
    this.#actor.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#filter(), PAUSE);
    });
  }

  /** @param {AbortSignal} signal */
  #page(signal) {
    const query = { action: this.#action.value, actor: this.#actor.value.trim(), after: this.after };
    return this.api.audit(query, signal);
  }

  #filter() {
    this.after = "";
    this.#rows.clear();
    history.replaceState(null, "", this.#address({}));
    this.reload();
  }

  /** @param {Record<string, string>} query */
  #address(query) {
    const follow = this.#follow.checked ? "1" : "";
    return format("audit", "", { action: this.#action.value, actor: this.#actor.value.trim(), follow, ...query });
  }

  /** Asked again from the top, because what is repeated counts up in its place. */
  #look() {
    if (!this.#follow.checked || this.after || document.hidden || this.waiting) return;
    this.load((signal) => this.#page(signal), (found) => this.#renew(found));
  }

  /** @param {{ entries: Entry[], next: string | null }} found */
  #show({ entries, next }) {
    const made = entries.map((entry) => entryRow(entry, (query) => this.#address(query)));
    this.#table = table(words.audit, words.auditColumns, made);
    const rows = this.#table.tBodies[0]?.rows ?? [];
    this.#rows = new Map(entries.map(({ id }, index) => [id, rows[index]]));
    const list = entries.length ? this.#table : empty(words.noEntries);
    this.body.replaceChildren(list, pager((query) => this.#address(query), { after: this.after, next }));
  }

  /** What is there keeps its elements, so that nobody who reads it is disturbed. @param {{ entries: Entry[], next: string | null }} found */
  #renew(found) {
    if (this.#rows.size === 0) return this.#show(found);
    const [body] = this.#table.tBodies;
    for (const entry of found.entries.toReversed()) {
      const known = this.#rows.get(entry.id);
      if (known) known.querySelector(".repeats")?.replaceWith(repeats(entry));
      else this.#rows.set(entry.id, this.#prepend(body, entry));
    }
    while (body.rows.length > MOST_ROWS) body.lastElementChild?.remove();
  }

  /** @param {HTMLElement} body @param {Entry} entry */
  #prepend(body, entry) {
    const element = row(words.auditColumns, entryRow(entry, (query) => this.#address(query)));
    element.classList.add("fresh");
    body.prepend(element);
    return element;
  }
}
