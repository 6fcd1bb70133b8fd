/** All users of the server. */
import { make } from "../../shared/dom.js";
import { format } from "../shared/address.js";
import { ask } from "../shared/dialog.js";
import { checkbox, password, text } from "../shared/fields.js";
import { words } from "../shared/language.js";
import { badge, button, link, past, presence } from "../shared/parts.js";
import { PeopleView } from "./people.js";

/** @typedef {import("../shared/api.js").User} User */

/** @extends {PeopleView<User>} */
export class UsersView extends PeopleView {
  /** @param {import("../shared/api.js").Api} api @param {import("../shared/address.js").Address} address */
  constructor(api, address) {
    super(address, {
      area: "users",
      title: words.users,
      searching: words.searchUsers,
      columns: [words.name, words.connection, words.pending, words.created],
      row,
      page: async (query, signal) => {
        const { users, next } = await api.users(query, signal);
        return { people: users, next };
      },
    });
    this.api = api;
    this.actions.append(button("primary", words.newUser, () => this.#create()));
  }

  async #create() {
    const fields = { username: text("new-name", words.name), password: password("new-password", words.password) };
    const superuser = checkbox("new-superuser", words.superuserExplained);
    const create = async () => {
      const { id } = await this.api.createUser({
        username: fields.username.input.value,
        password: fields.password.input.value,
        is_superuser: superuser.input.checked,
      });
      location.hash = format("users", String(id));
    };
    const confirm = words.create;
    await ask({ title: words.newUser, fields: { ...fields, is_superuser: superuser }, confirm, act: create });
  }
}

/** @param {User} user */
function row(user) {
  const name = make("span", "name", link("", user.username, format("users", String(user.id))), ...marks(user));
  return [name, presence(user.online), words.pendingCount(user.pending), past(user.created_at)];
}

/** What is special about somebody. @param {User} user */
export function marks(user) {
  return [
    ...(user.is_superuser ? [badge(words.superuser, "good")] : []),
    ...(user.is_active ? [] : [badge(words.deactivated, "bad")]),
  ];
}
