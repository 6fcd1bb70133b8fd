/** All views for operators, by the area that they belong to. */
import { Api } from "./shared/api.js";
import { AuditView } from "./audit/audit.js";
import { KeysView } from "./keys/keys.js";
import { RecipientView } from "./people/recipient.js";
import { RecipientsView } from "./people/recipients.js";
import { UserView } from "./people/user.js";
import { UsersView } from "./people/users.js";

/**
 * @param {import("./areas.js").Area} area
 * @param {import("./shared/address.js").Address} address
 * @param {import("../session/session.js").Session} session
 */
export function open(area, address, session) {
  const api = new Api(session);
  if (area === "keys") return new KeysView(api);
  if (area === "audit") return new AuditView(api, address);
  if (area === "users") return address.id ? new UserView(api, address) : new UsersView(api, address);
  return address.id ? new RecipientView(api, address) : new RecipientsView(api, address);
}
