/** The page's session, with a server that is a list of answers. */
import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";

import { NotifierClient } from "../../static/notifier.js";
import { Refused, Session } from "../../static/page/session/session.js";
import { World, settle } from "./world.mjs";

afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

function tokens(number, user = { id: 1, username: "ann", is_superuser: false }) {
  return { status: 200, body: { access: `access-${number}`, identity: `identity.${number}.s`, user } };
}

const ended = { status: 401, body: { detail: "No session.", code: "token_not_valid" } };

/** Answer the coming requests in order. */
function serve(...answers) {
  return mock.method(globalThis, "fetch", async () => {
    const { status, body, headers } = answers.shift();
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  });
}

/** Answer the coming requests when the test says so. */
function hold() {
  const held = [];
  mock.method(globalThis, "fetch", (_, { signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers();
    signal?.addEventListener("abort", () => reject(signal.reason));
    held.push(({ status, body }) => resolve(new Response(JSON.stringify(body), { status })));
    return promise;
  });
  return held;
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
  assert.equal(await session.identity(), "identity.1.s");
});

test("an identity token is given out once and only while it is new", async () => {
  mock.timers.enable({ apis: ["Date"] });
  const { session } = await signedIn(tokens(2), tokens(3), tokens(4));
  assert.equal(await session.identity(), "identity.1.s");
  assert.equal(await session.identity(), "identity.2.s");
  await session.resume();
  mock.timers.tick(3_600_000);
  assert.equal(await session.identity(), "identity.4.s");
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

test("a refusal says how long to wait, if the server does", async () => {
  const refused = { status: 429, body: { detail: "Later.", code: "too_many_sign_ins" } };
  for (const [headers, seconds] of [[{ "Retry-After": "6" }, 6], [{}, undefined], [{ "Retry-After": "soon" }, undefined]]) {
    serve({ ...refused, headers });
    await assert.rejects(new Session().signIn("ann", "guess"), { status: 429, message: "Later.", retryAfter: seconds });
    mock.restoreAll();
  }
});

test("renewals at the same time are one request", async () => {
  const { session, fetch } = await signedIn(tokens(2));
  assert.deepEqual(await Promise.all([session.resume(), session.resume()]), [true, true]);
  assert.equal(fetch.mock.callCount(), 2);
});

test("all who wait for one renewal get its token", async () => {
  const { session, fetch } = await signedIn(tokens(2), tokens(3));
  await session.identity();
  assert.deepEqual(await Promise.all([session.identity(), session.identity()]), ["identity.2.s", "identity.2.s"]);
  assert.equal(fetch.mock.callCount(), 2);
  assert.equal(await session.identity(), "identity.3.s");
});

test("a renewal that outlasts an attempt to connect serves the next one", async () => {
  const world = new World();
  const { session } = await signedIn();
  const environment = world.tab({ alone: true });
  const client = new NotifierClient({ userId: 1, getToken: () => session.identity(), environment });
  client.connect();
  await settle();
  const held = hold();
  world.socket.drop(1006);
  await world.clock.pass(2_000 + 15_000 + 4_000);
  assert.deepEqual([client.status.state, held.length, world.sockets.length], ["connecting", 1, 1]);
  held[0](tokens(2));
  await session.resume();
  await settle();
  assert.equal(world.sockets.length, 2);
  world.socket.accept();
  assert.equal(client.status.state, "connected");
  client.close();
});

test("only the server's own refusal ends a session", async () => {
  const page = "<html><h1>Sorry</h1></html>";
  const others = [
    { status: 502, body: page },
    { status: 504, body: page },
    { status: 503, body: { detail: "Try again.", code: "unavailable" } },
    { status: 401, body: page },
    { status: 401, body: { message: "Log in to the proxy." } },
    { status: 403, body: page },
    { status: 404, body: page },
    { status: 200, body: page },
    { status: 200, body: {} },
  ];
  const { session } = await signedIn(...others, tokens(2), ended);
  await session.identity();
  for (const { status } of others) await assert.rejects(session.identity(), undefined, `HTTP ${status}`);
  assert.equal(session.user.username, "ann");
  assert.equal(await session.identity(), "identity.2.s");
  assert.equal(await session.identity(), null);
});

test("an answer that is lost, wholly or halfway, ends no session", async () => {
  const { session } = await signedIn();
  await session.identity();
  mock.restoreAll();
  const halfway = new ReadableStream({ pull: (controller) => controller.error(new TypeError("network error")) });
  const answers = [Promise.reject(new TypeError("Failed to fetch")), new Response(halfway, { status: 401 })];
  mock.method(globalThis, "fetch", () => answers.shift());
  await assert.rejects(session.identity(), { message: "Failed to fetch" });
  await assert.rejects(session.identity(), Refused);
  mock.restoreAll();
  serve(tokens(2));
  assert.equal(await session.identity(), "identity.2.s");
});

test("a renewal that is never answered is given up, so that the next can be", async () => {
  const { session } = await signedIn();
  await session.identity();
  mock.restoreAll();
  const held = hold();
  mock.timers.enable({ apis: ["setTimeout"] });
  const first = session.identity();
  mock.timers.tick(29_999);
  const second = session.identity();
  assert.equal(held.length, 1);
  mock.timers.tick(1);
  await assert.rejects(first, { message: "The server doesn't answer." });
  await assert.rejects(second, { message: "The server doesn't answer." });
  const third = session.identity();
  held[1](tokens(2));
  assert.equal(await third, "identity.2.s");
});

test("what was asked for an earlier session says nothing about the present one", async () => {
  const bob = { id: 2, username: "bob", is_superuser: false };
  const { session } = await signedIn();
  await session.identity();
  mock.restoreAll();
  const held = hold();
  const late = session.identity();
  session.forget();
  const signIn = session.signIn("bob", "secret");
  held[0](ended);
  held[1](tokens(2, bob));
  await assert.rejects(late, { name: "AbortError" });
  await signIn;
  assert.deepEqual(session.user, bob);
  assert.equal(await session.identity(), "identity.2.s");
  const renewed = session.identity();
  held[2](tokens(3, bob));
  assert.equal(await renewed, "identity.3.s");
});

test("an answer that was read while somebody signed out brings nobody back", async () => {
  const { session } = await signedIn();
  await session.identity();
  mock.restoreAll();
  const { promise, resolve } = Promise.withResolvers();
  mock.method(globalThis, "fetch", async () => ({ ok: true, status: 200, json: () => promise }));
  const late = session.identity();
  await settle();
  resolve(tokens(2).body);
  session.forget();
  await assert.rejects(late, { name: "AbortError" });
  assert.equal(session.user, null);
});

test("a sign-out that a proxy answered is not pretended", async () => {
  for (const answer of [{ status: 502, body: "<h1>Bad Gateway</h1>" }, { status: 200, body: "<h1>Log in</h1>" }]) {
    const { session } = await signedIn(answer);
    await assert.rejects(session.signOut());
    assert.equal(session.user.username, "ann");
  }
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
