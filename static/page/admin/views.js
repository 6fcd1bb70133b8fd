/** All views for operators, by the area that they belong to. */
import { Api } from "./api.js";
import { AuditView } from "./audit.js";
import { KeysView } from "./keys.js";
import { RecipientView } from "./recipient.js";
import { RecipientsView } from "./recipients.js";
import { UserView } from "./user.js";
import { UsersView } from "./users.js";

/**
 * @param {import("./areas.js").Area} area
 * @param {import("./address.js").Address} address
 * @param {import("../session.js").Session} session
 */
export function open(area, address, session) {
  const api = new Api(session);
  if (area === "keys") return new KeysView(api);
  if (area === "audit") return new AuditView(api, address);
  if (area === "users") return address.id ? new UserView(api, address) : new UsersView(api, address);
  return address.id ? new RecipientView(api, address) : new RecipientsView(api, address);
}
