/** The API keys: what each may do, and when it was used last. */
import { make } from "../../shared/dom.js";
import { ask } from "../shared/dialog.js";
import { whole } from "../shared/fields.js";
import { words } from "../shared/language.js";
import { NewKey } from "./new-key.js";
import { badge, button, empty, exactly, past, refresher } from "../shared/parts.js";
import { shownOnce } from "./shown-once.js";
import { table } from "../shared/table.js";
import { View } from "../shared/view.js";

/** @typedef {import("../shared/api.js").Key} Key */

const DAY_OF_HOURS = "24";
const HOUR = 3_600;

export class KeysView extends View {
  #shown = make("div", "shown");

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super(words.keys);
    this.api = api;
    this.body.before(this.#shown);
    this.actions.append(
      refresher(() => this.reload()),
      button("primary", words.newKey, () => this.#create()),
    );
  }

  reload() {
    return this.load((signal) => this.api.keys(signal), ({ keys }) => this.#show(keys));
  }

  /** @param {Key[]} keys */
  #show(keys) {
    const valid = keys.filter(({ revoked_at }) => !revoked_at);
    const revoked = keys.filter(({ revoked_at }) => revoked_at);
    const list = valid.length ? this.#table(valid) : empty(words.noKeys, words.noKeysText);
    this.body.replaceChildren(list, ...(revoked.length ? [former(revoked)] : []));
  }

  /** @param {Key[]} keys */
  #table(keys) {
    const columns = [words.name, words.allowed, words.lastUsed, words.expires, words.actions];
    const rows = keys.map((key) => [name(key), allowed(key), used(key), exactly(key.expires_at, words.never), this.#actions(key)]);
    return table(words.keys, columns, rows);
  }

  /** @param {Key} key */
  #actions(key) {
    const rotate = button("plain", words.rotate, () => this.#rotate(key));
    const revoke = button("plain bad", words.revoke, () => this.#revoke(key));
    rotate.ariaLabel = words.of(words.rotate, key.name);
    revoke.ariaLabel = words.of(words.revoke, key.name);
    return make("span", "actions", rotate, revoke);
  }

  async #create() {
    const form = new NewKey();
    const create = async () => this.#reveal(await this.api.createKey(form.wish));
    if (await ask({ title: words.newKey, fields: form.fields, confirm: words.create, act: create })) await this.#renew();
  }

  /** @param {Key} key */
  async #rotate({ id, name }) {
    const hours = whole("rotate-hours", words.keepHours, DAY_OF_HOURS);
    const rotated = await ask({
      title: words.rotateTitle(name),
      text: [words.rotateText],
      fields: { keep_seconds: hours },
      confirm: words.rotate,
      act: async () => this.#reveal(await this.api.rotateKey(id, Number(hours.input.value) * HOUR)),
    });
    if (rotated) await this.#renew();
  }

  /** @param {Key} key */
  async #revoke({ id, name }) {
    const revoked = await ask({
      title: words.revokeTitle(name),
      text: [words.revokeText],
      confirm: words.revoke,
      danger: true,
      act: () => this.api.revokeKey(id),
    });
    if (!revoked) return;
    await this.reload();
    this.tell(words.revoked(name));
  }

  /** @param {Key & { key: string }} key */
  #reveal(key) {
    this.#shown.replaceChildren(shownOnce(key, () => this.#hide()));
  }

  #hide() {
    this.#shown.replaceChildren();
    this.heading.focus({ preventScroll: true });
  }

  /** The list, with the key above it where one begins to read. */
  async #renew() {
    await this.reload();
    this.#shown.querySelector("h3")?.focus();
  }
}

/** @param {Key} key */
function name({ name, expires_at }) {
  const expired = expires_at !== null && Date.parse(expires_at) <= Date.now();
  return make("span", "name", name, ...(expired ? [badge(words.expired, "bad")] : []));
}

/** @param {Key} key */
function allowed({ scopes, user_prefix, rate }) {
  const limits = [user_prefix && words.onlyUsers(user_prefix), rate && words.atMost(rate)].filter(Boolean);
  const cell = make("span", "name", ...scopes.map((scope) => badge(scope)));
  if (limits.length) cell.append(make("small", "quiet", limits.join(" · ")));
  return cell;
}

/** @param {Key} key */
function used({ last_used_at }) {
  return last_used_at ? past(last_used_at) : make("span", "quiet", words.neverUsed);
}

/** @param {Key[]} keys */
function former(keys) {
  const columns = [words.name, words.allowed, words.lastUsed, words.revokedAt];
  const rows = keys.map((key) => [key.name, allowed(key), used(key), past(key.revoked_at)]);
  return make("details", "former", make("summary", "", words.revokedKeys(keys.length)), table(words.revokedTitle, columns, rows));
}
