/** Parts of the operator's views that need no browser. */
import assert from "node:assert/strict";
import test from "node:test";

Object.defineProperty(globalThis, "navigator", { value: { language: "en-GB" }, configurable: true });
globalThis.location = /** @type {any} */ ({ origin: "https://notify.example" });
const { format, parse } = await import("../../static/page/admin/shared/address.js");
const { Api } = await import("../../static/page/admin/shared/api.js");
const { elements } = await import("../../static/page/admin/shared/elements.js");
const { explain, fieldFaults } = await import("../../static/page/admin/shared/faults.js");
const { curl } = await import("../../static/page/admin/keys/shown-once.js");
const { Refused } = await import("../../static/page/session/session.js");
const english = (await import("../../static/page/admin/shared/words.js")).default;
const russian = (await import("../../static/page/admin/shared/words.ru.js")).default;

const KEY = { id: 1, name: "billing", scopes: ["send"], user_prefix: null, key: "ntf_secret" };

test("an address says the same as what it was made of, whatever a name is made of", () => {
  for (const id of ["", "42", "auth0|5f7c", "a/b?c#d&e=f", "100%", "ключ", "a b+c"]) {
    const { area, id: read, query } = parse(format("recipients", id, { search: "a&b=c d", after: "" }));
    assert.deepEqual([area, read, [...query]], ["recipients", id, [["search", "a&b=c d"]]]);
  }
});

test("an address that nobody made is no error", () => {
  assert.deepEqual(parse("").area, "");
  assert.deepEqual(parse("#users/%E0%A4%A").id, "%E0%A4%A");
  assert.deepEqual(parse("#token=abc").area, "token=abc");
});

test("the elements of an array are told apart as they were written", () => {
  const written = ['{"n": 1.10, "a": [1, [2], {}]}', "12345678901234567890", '"],"', "[]", "null"];
  assert.deepEqual([...elements(`[ ${written.join(" , ")} ]`)], written);
  assert.deepEqual([...elements("[]")], []);
});

test("a payload arrives as it was sent", async () => {
  const body = '{"notifications":[{"key":"k","payload":{"n":1.10,"big":12345678901234567890},"seq":2},{"payload":null}],"next":"x"}';
  const session = { call: async (method, path, sent, signal, read) => read({ text: async () => body, path }) };
  const { notifications, next } = await new Api(session).notifications("users", "7", {}, AbortSignal.timeout(1_000));
  assert.deepEqual(notifications.map(({ raw }) => raw), ['{"n":1.10,"big":12345678901234567890}', "null"]);
  assert.equal(next, "x");
});

test("names go into paths and queries as they are", async () => {
  const asked = [];
  const session = { call: async (method, path) => asked.push(`${method} ${path}`) && { users: [] } };
  const api = new Api(session);
  await api.users({ search: "ä&b", after: "" }, AbortSignal.timeout(1_000));
  await api.deleteRecipient("a/b|c?");
  assert.deepEqual(asked, ["GET /api/admin/users/?search=%C3%A4%26b", "DELETE /api/admin/recipients/a%2Fb%7Cc%3F/"]);
});

test("what may go well later is asked for again, at the server's pace", () => {
  assert.equal(explain(new TypeError("Failed to fetch")).retryAfter, 5);
  assert.equal(explain(new Refused(503, null, 7)).retryAfter, 7);
  assert.equal(explain(new Refused(502, null)).title, english.faults.unreachable.title);
  for (const status of [400, 401, 403, 404]) assert.equal(explain(new Refused(status, null)).retryAfter, undefined);
  assert.equal(explain(new Refused(400, { detail: "why" })).text, "why");
});

test("what the server says of fields is told apart from what it says of all", () => {
  const refused = new Refused(400, { username: ["too short", "too plain"] });
  assert.deepEqual(fieldFaults(refused), [["username", "too short too plain"]]);
  const taken = new Refused(400, { detail: "taken", code: "username_taken" });
  assert.deepEqual(fieldFaults(taken), [["username", english.nameTaken]]);
  for (const other of [new Refused(503, null), new Refused(400, { detail: "no" }), new Error("x")]) {
    assert.deepEqual(fieldFaults(other), []);
  }
});

test("the example is of what a key may do, and a shell takes it as it is", () => {
  assert.match(curl(KEY), /^curl -X POST https:\/\/notify\.example\/api\/notifications\/send\/ \\\n/);
  assert.match(curl(KEY), /-d '\{"user_id": 1, "payload": \{"title": "Hello"\}\}'$/);
  assert.match(curl({ ...KEY, user_prefix: "o'eu:" }), /-d '\{"user": "o'\\''eu:1", "payload"/);
  assert.match(curl({ ...KEY, scopes: ["revoke", "identity"] }), /users\/identity\/[^]*-d '\{"user_id": 1\}'$/);
  assert.match(curl({ ...KEY, scopes: ["revoke"] }), /users\/revoke\//);
  assert.equal(curl({ ...KEY, scopes: ["metrics"] }), "");
});

test("both languages have the same words, of the same kind", () => {
  const shape = (words) =>
    Object.entries(words).flatMap(([name, word]) => [
      `${name} ${typeof word}`,
      ...(typeof word === "object" ? Object.keys(word).map((inner) => `${name}.${inner}`) : []),
    ]);
  assert.deepEqual(shape(russian).toSorted(), shape(english).toSorted());
});
