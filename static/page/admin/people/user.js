/** One user: what is known of them, where they are signed in, what is kept for them. */
import { make } from "../../shared/dom.js";
import { ask } from "../shared/dialog.js";
import { password, text } from "../shared/fields.js";
import { KeptList } from "./kept.js";
import { words } from "../shared/language.js";
import { button, facts, link, past, presence, refresher } from "../shared/parts.js";
import { signIns } from "./sign-ins.js";
import { marks } from "./users.js";
import { View } from "../shared/view.js";

/** @typedef {import("../shared/api.js").User} User */

export class UserView extends View {
  /** @param {import("../shared/api.js").Api} api @param {import("../shared/address.js").Address} address */
  constructor(api, { id }) {
    super(words.user);
    this.api = api;
    this.id = id;
    this.element.prepend(link("way-back", words.allUsers, "#users"));
    this.actions.append(refresher(() => this.reload()));
  }

  reload() {
    return this.load(
      (signal) =>
        Promise.all([
          this.api.user(this.id, signal),
          this.api.sessions(this.id, signal),
          new KeptList(this.api, "users", this.id).load(signal),
        ]),
      ([user, { sessions }, kept]) => {
        this.rename(user.username);
        this.body.replaceChildren(this.#facts(user), this.#actions(user), signIns(sessions), kept);
      },
    );
  }

  /** @param {User} user */
  #facts(user) {
    const kinds = marks(user);
    return facts([
      [words.number, String(user.id)],
      [words.kind, kinds.length ? make("span", "name", ...kinds) : words.ordinaryUser],
      [words.connection, presence(user.online)],
      [words.pending, words.pendingCount(user.pending)],
      [words.created, past(user.created_at)],
    ]);
  }

  /** @param {User} user */
  #actions(user) {
    const own = user.id === this.api.me?.id;
    const promotion = user.is_superuser ? words.demote : words.promote;
    const activation = user.is_active ? words.deactivate : words.activate;
    const others = [
      button("", promotion, () => this.#promote(user)),
      button("", activation, () => this.#activate(user)),
      button("danger", words.delete, () => this.#delete(user)),
    ];
    const everybody = [
      button("", words.rename, () => this.#rename(user)),
      button("", words.resetPassword, () => this.#resetPassword(user)),
      button("", words.endSessions, () => this.#endSessions(user)),
    ];
    // Nobody locks themselves out.
    const allowed = own ? everybody : [...everybody, ...others];
    const row = make("div", "actions", ...allowed);
    row.setAttribute("role", "group");
    row.ariaLabel = words.actions;
    return own ? make("div", "", row, make("p", "hint", words.ownAccount)) : row;
  }

  /** @param {User} user */
  #rename(user) {
    const username = text("rename", words.name, user.username);
    return this.#do(words.renamed, {
      title: words.renameTitle(user.username),
      text: [words.renameText],
      fields: { username },
      confirm: words.rename,
      act: () => this.api.changeUser(user.id, { username: username.input.value }),
    });
  }

  /** @param {User} user */
  #resetPassword(user) {
    const field = password("reset-password", words.newPassword);
    return this.#do(words.passwordReset, {
      title: words.resetPasswordTitle(user.username),
      text: [words.resetPasswordText],
      fields: { password: field },
      confirm: words.resetPassword,
      act: () => this.api.changeUser(user.id, { password: field.input.value }),
    });
  }

  /** @param {User} user */
  #endSessions(user) {
    return this.#do(words.sessionsEnded, {
      title: words.endSessionsTitle(user.username),
      text: [words.endSessionsText],
      confirm: words.endSessions,
      danger: true,
      act: () => this.api.endSessions(user.id),
    });
  }

  /** @param {User} user */
  #promote({ id, username, is_superuser }) {
    return this.#do(is_superuser ? words.demoted : words.promoted, {
      title: is_superuser ? words.demoteTitle(username) : words.promoteTitle(username),
      text: [is_superuser ? words.demoteText : words.promoteText],
      confirm: is_superuser ? words.demote : words.promote,
      act: () => this.api.changeUser(id, { is_superuser: !is_superuser }),
    });
  }

  /** @param {User} user */
  #activate({ id, username, is_active }) {
    return this.#do(is_active ? words.wasDeactivated : words.wasActivated, {
      title: is_active ? words.deactivateTitle(username) : words.activateTitle(username),
      text: [is_active ? words.deactivateText : words.activateText],
      confirm: is_active ? words.deactivate : words.activate,
      danger: is_active,
      act: () => this.api.changeUser(id, { is_active: !is_active }),
    });
  }

  /** @param {User} user */
  async #delete({ id, username, pending }) {
    const deleted = await ask({
      title: words.deleteTitle(username),
      text: [words.deleteUserText, words.deletePending(pending), words.forEver],
      confirm: words.delete,
      danger: true,
      act: () => this.api.deleteUser(id),
    });
    if (deleted) location.hash = "#users";
  }

  /** @param {string} done what to say then @param {import("../shared/dialog.js").Question} question */
  async #do(done, question) {
    if (!(await ask(question))) return;
    await this.reload();
    this.tell(done);
  }
}
