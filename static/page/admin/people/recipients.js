/** Those whom the application knows by names of its own. */
import { format } from "../shared/address.js";
import { words } from "../shared/language.js";
import { link, past, presence } from "../shared/parts.js";
import { PeopleView } from "./people.js";

/** @typedef {import("../shared/api.js").Recipient} Recipient */

/** @extends {PeopleView<Recipient>} */
export class RecipientsView extends PeopleView {
  /** @param {import("../shared/api.js").Api} api @param {import("../shared/address.js").Address} address */
  constructor(api, address) {
    super(address, {
      area: "recipients",
      title: words.recipients,
      searching: words.searchRecipients,
      columns: [words.name, words.connection, words.pending, words.firstSeen],
      row,
      page: async (query, signal) => {
        const { recipients, next } = await api.recipients(query, signal);
        return { people: recipients, next };
      },
    });
  }
}

/** @param {Recipient} recipient */
function row({ user, online, pending, created_at }) {
  const name = link("name", user, format("recipients", user));
  return [name, presence(online), words.pendingCount(pending), past(created_at)];
}
