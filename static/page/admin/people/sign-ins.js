/** Where somebody is signed in. */
import { make } from "../../shared/dom.js";
import { device } from "../../shared/device.js";
import { words } from "../shared/language.js";
import { empty, exactly, past } from "../shared/parts.js";
import { table } from "../shared/table.js";

/** @param {import("../shared/api.js").SignIn[]} sessions */
export function signIns(sessions) {
  const columns = [words.device, words.address, words.signedIn, words.lastUsed, words.ends];
  const rows = sessions.map(({ user_agent, address, created_at, used_at, expires_at }) => {
    const name = make("span", "", device(user_agent) || words.unknownDevice);
    name.title = user_agent;
    return [name, address, past(created_at), past(used_at), exactly(expires_at)];
  });
  const list = rows.length ? table(words.sessions, columns, rows) : empty(words.noSessions);
  return make("section", "part", make("h3", "", words.sessions), list);
}
