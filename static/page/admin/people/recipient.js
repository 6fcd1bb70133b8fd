/** One recipient: what is known of them, and what is kept for them. */
import { make } from "../../shared/dom.js";
import { ask } from "../shared/dialog.js";
import { KeptList } from "./kept.js";
import { words } from "../shared/language.js";
import { button, empty, facts, link, past, presence, refresher } from "../shared/parts.js";
import { View } from "../shared/view.js";

export class RecipientView extends View {
  /** @param {import("../shared/api.js").Api} api @param {import("../shared/address.js").Address} address */
  constructor(api, { id }) {
    super(id);
    this.api = api;
    this.user = id;
    this.element.prepend(link("way-back", words.allRecipients, "#recipients"));
    this.actions.append(refresher(() => this.reload()));
  }

  reload() {
    return this.load(
      (signal) => Promise.all([this.#find(signal), new KeptList(this.api, "recipients", this.user).load(signal)]),
      ([recipient, kept]) => {
        this.rename(this.user);
        if (recipient) this.body.replaceChildren(this.#facts(recipient), this.#actions(recipient), kept);
        else this.body.replaceChildren(empty(words.faults.gone.title, words.faults.gone.text));
      },
    );
  }

  /** There is no address for one alone, but the shortest of a beginning comes first. @param {AbortSignal} signal */
  async #find(signal) {
    const { recipients } = await this.api.recipients({ search: this.user, limit: "100" }, signal);
    return recipients.find(({ user }) => user === this.user);
  }

  /** @param {import("../shared/api.js").Recipient} recipient */
  #facts({ online, pending, created_at }) {
    return facts([
      [words.connection, presence(online)],
      [words.pending, words.pendingCount(pending)],
      [words.firstSeen, past(created_at)],
    ]);
  }

  /** @param {import("../shared/api.js").Recipient} recipient */
  #actions({ pending }) {
    const row = make(
      "div",
      "actions",
      button("", words.revokeTokens, () => this.#revoke()),
      button("danger", words.delete, () => this.#delete(pending)),
    );
    row.setAttribute("role", "group");
    row.ariaLabel = words.actions;
    return row;
  }

  async #revoke() {
    const done = await ask({
      title: words.revokeTokensTitle(this.user),
      text: [words.revokeTokensText],
      confirm: words.revokeTokens,
      danger: true,
      act: () => this.api.revokeRecipient(this.user),
    });
    if (!done) return;
    await this.reload();
    this.tell(words.tokensRevoked);
  }

  /** @param {number} pending */
  async #delete(pending) {
    const deleted = await ask({
      title: words.deleteTitle(this.user),
      text: [words.deleteRecipientText, words.deletePending(pending), words.forEver],
      confirm: words.delete,
      danger: true,
      act: () => this.api.deleteRecipient(this.user),
    });
    if (deleted) location.hash = "#recipients";
  }
}
