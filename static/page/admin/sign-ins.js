/** Where somebody is signed in. */
import { make } from "../dom.js";
import { device } from "../device.js";
import { words } from "./language.js";
import { empty, exactly, past } from "./parts.js";
import { table } from "./table.js";

/** @param {import("./api.js").SignIn[]} sessions */
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
