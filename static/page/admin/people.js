/** A list of people, page by page, that is searched as one types. */
import { label } from "../language.js";
import { make } from "../dom.js";
import { format } from "./address.js";
import { words } from "./language.js";
import { pager } from "./pager.js";
import { empty, refresher } from "./parts.js";
import { table } from "./table.js";
import { View } from "./view.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Query} Query */

const PAUSE = 200;

/** @template Person */
export class PeopleView extends View {
  #search = make("input");
  #timer = 0;

  /**
   * @param {Api} api
   * @param {import("./address.js").Address} address
   * @param {{ area: "users" | "recipients", title: string, searching: string, columns: string[] }} kind
   */
  constructor(api, { query }, kind) {
    super(kind.title);
    this.api = api;
    this.kind = kind;
    this.search = query.get("search") ?? "";
    this.after = query.get("after") ?? "";
    Object.assign(this.#search, { type: "search", value: this.search, placeholder: kind.searching });
    Object.assign(this.#search, { autocomplete: "off", spellcheck: false, maxLength: 150 });
    label(this.#search, kind.searching);
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#find(this.#search.value), PAUSE);
    });
    this.actions.append(this.#search, refresher(() => this.reload()));
  }

  close() {
    clearTimeout(this.#timer);
    super.close();
  }

  reload() {
    const query = { search: this.search, after: this.after };
    return this.load((signal) => this.page(query, signal), (found) => this.#show(found));
  }

  /** One page of them. @param {Query} query @param {AbortSignal} signal @returns {Promise<{ people: Person[], next: string | null }>} */
  async page(query, signal) {
    throw new TypeError(`${query} ${signal}`);
  }

  /** @param {Person} person @returns {import("./table.js").Row} */
  row(person) {
    return [String(person)];
  }

  /** @param {string} text */
  #find(text) {
    this.search = text;
    this.after = "";
    history.replaceState(null, "", this.#address({}));
    return this.reload();
  }

  /** @param {Query} query */
  #address(query) {
    return format(this.kind.area, "", { search: this.search, ...query });
  }

  /** @param {{ people: Person[], next: string | null }} found */
  #show({ people, next }) {
    const found = make("p", "unseen", words.found(people.length, next !== null));
    found.setAttribute("role", "status");
    const pages = pager((query) => this.#address(query), { after: this.after, next });
    const rows = people.map((person) => this.row(person));
    const list = rows.length ? table(this.kind.title, this.kind.columns, rows) : this.#nobody();
    this.body.replaceChildren(found, list, pages);
  }

  #nobody() {
    return this.search ? empty(words.noMatch, words.noMatchText(this.search)) : empty(words.nobody);
  }
}
