/** A list of people, page by page, that is searched as one types. */
import { make } from "../../shared/dom.js";
import { label } from "../../shared/language.js";
import { format } from "../shared/address.js";
import { words } from "../shared/language.js";
import { pager } from "../shared/pager.js";
import { empty, refresher } from "../shared/parts.js";
import { table } from "../shared/table.js";
import { View } from "../shared/view.js";

/** @typedef {import("../shared/api.js").Query} Query */

/**
 * @template Person
 * @typedef {object} Kind
 * @property {"users" | "recipients"} area
 * @property {string} title
 * @property {string} searching
 * @property {string[]} columns
 * @property {(person: Person) => import("../shared/table.js").Row} row
 * @property {(query: Query, signal: AbortSignal) => Promise<{ people: Person[], next: string | null }>} page
 */

const PAUSE = 200;
const LONGEST_NAME = 150;

/** @template Person */
export class PeopleView extends View {
  #kind;
  #search = make("input");
  #beginning;
  #after;
  #timer = 0;

  /** @param {import("../shared/address.js").Address} address @param {Kind<Person>} kind */
  constructor({ query }, kind) {
    super(kind.title);
    this.#kind = kind;
    this.#beginning = query.get("search") ?? "";
    this.#after = query.get("after") ?? "";
    this.#prepareSearch();
    this.actions.append(this.#search, refresher(() => this.reload()));
  }

  close() {
    clearTimeout(this.#timer);
    super.close();
  }

  reload() {
    const query = { search: this.#beginning, after: this.#after };
    return this.load((signal) => this.#kind.page(query, signal), (found) => this.#show(found));
  }

  #prepareSearch() {
    const { searching } = this.#kind;
    Object.assign(this.#search, { type: "search", value: this.#beginning, placeholder: searching });
    Object.assign(this.#search, { autocomplete: "off", spellcheck: false, maxLength: LONGEST_NAME });
    label(this.#search, searching);
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#find(this.#search.value), PAUSE);
    });
  }

  /** @param {string} beginning */
  #find(beginning) {
    this.#beginning = beginning;
    this.#after = "";
    history.replaceState(null, "", this.#address({}));
    this.reload();
  }

  /** @param {Query} query */
  #address(query) {
    return format(this.#kind.area, "", { search: this.#beginning, ...query });
  }

  /** @param {{ people: Person[], next: string | null }} found */
  #show({ people, next }) {
    const found = make("p", "unseen", words.found(people.length, next !== null));
    found.setAttribute("role", "status");
    const pages = pager((query) => this.#address(query), { after: this.#after, next });
    const { title, columns, row } = this.#kind;
    const list = people.length ? table(title, columns, people.map(row)) : this.#nobody();
    this.body.replaceChildren(found, list, pages);
  }

  #nobody() {
    return this.#beginning ? empty(words.noMatch, words.noMatchText(this.#beginning)) : empty(words.nobody);
  }
}
