/** The page's session, with a server that is a list of answers. */
import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";

import { Refused, Session } from "../../static/page/session.js";

afterEach(() => mock.restoreAll());

function tokens(number, user = { id: 1, username: "ann", is_superuser: false }) {
  return { status: 200, body: { access: `access-${number}`, identity: `identity-${number}`, user } };
}

const ended = { status: 401, body: { detail: "No session.", code: "token_not_valid" } };

/** Answer the coming requests in order. */
function serve(...answers) {
  return mock.method(globalThis, "fetch", async () => {
    const { status, body } = answers.shift();
    return new Response(JSON.stringify(body), { status });
  });
}

async function signedIn(...answers) {
  const fetch = serve(tokens(1), ...answers);
  const session = new Session();
  await session.signIn("ann", "secret");
  return { session, fetch };
}

test("signing in gives a user and tokens that no store keeps", async () => {
  const { session, fetch } = await signedIn();
  const [path, { method, body }] = fetch.mock.calls[0].arguments;
  assert.deepEqual([method, path, body], ["POST", "/api/users/session/", '{"username":"ann","password":"secret"}']);
  assert.equal(session.user.username, "ann");
  assert.equal(await session.identity(), "identity-1");
});

test("an identity token is given out once and only while it is new", async () => {
  mock.timers.enable({ apis: ["Date"] });
  const { session } = await signedIn(tokens(2), tokens(3), tokens(4));
  assert.equal(await session.identity(), "identity-1");
  assert.equal(await session.identity(), "identity-2");
  await session.resume();
  mock.timers.tick(3_600_000);
  assert.equal(await session.identity(), "identity-4");
  mock.timers.reset();
});

test("a session that ended gives no identity", async () => {
  const { session } = await signedIn(ended);
  await session.identity();
  assert.equal(await session.identity(), null);
});

test("a page without a session is told so, a page without a server is not", async () => {
  serve(ended);
  assert.equal(await new Session().resume(), false);
  mock.restoreAll();
  serve({ status: 503, body: {} });
  await assert.rejects(new Session().resume(), Refused);
});

test("renewals at the same time are one request", async () => {
  const { session, fetch } = await signedIn(tokens(2));
  assert.deepEqual(await Promise.all([session.resume(), session.resume()]), [true, true]);
  assert.equal(fetch.mock.callCount(), 2);
});

test("somebody else's session is not taken over", async () => {
  const { session } = await signedIn(tokens(2, { id: 2, username: "bob", is_superuser: true }));
  assert.equal(await session.resume(), false);
  assert.equal(session.user.username, "ann");
});

test("a call whose token expired is repeated with a new one", async () => {
  const { session, fetch } = await signedIn(ended, tokens(2), { status: 200, body: { seq: 7 } });
  assert.deepEqual(await session.call("POST", "/send", '{"n":1.10}'), { seq: 7 });
  const sent = fetch.mock.calls.map(({ arguments: [, { headers, body }] }) => [headers.Authorization, body]);
  assert.deepEqual(sent[1], ["Bearer access-1", '{"n":1.10}']);
  assert.deepEqual(sent[3], ["Bearer access-2", '{"n":1.10}']);
});

test("another refusal is passed on with what the server said", async () => {
  const { session } = await signedIn({ status: 404, body: { detail: "Unknown user.", code: "unknown_user" } });
  await assert.rejects(session.call("POST", "/send", "{}"), { status: 404, message: "Unknown user." });
});
