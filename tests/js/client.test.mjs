/** NotifierClient on one tab, with a fake server and a fake clock. */
import assert from "node:assert/strict";
import test from "node:test";

import { NotifierClient } from "../../static/notifier.js";
import { World, frame, jwt, settle } from "./world.mjs";

function open({ world = new World(), ...options } = {}) {
  const log = { notifications: [], states: [], errors: [], frames: [], tokens: 0 };
  const tab = world.tab({ alone: true });
  const client = new NotifierClient({
    userId: 7,
    getToken: () => `h.token.${++log.tokens}`,
    environment: tab,
    ...options,
  });
  client.addEventListener("notification", ({ detail }) => log.notifications.push(detail));
  client.addEventListener("state", ({ detail }) => log.states.push(detail.state));
  client.addEventListener("error", ({ detail }) => log.errors.push(detail.message));
  client.addEventListener("frame", ({ detail }) => log.frames.push(detail));
  client.connect();
  return { world, clock: world.clock, tab, client, log };
}

async function connected(options) {
  const all = open(options);
  await settle();
  all.world.socket.accept();
  return all;
}

const acks = (socket) => socket.sent.filter(({ type }) => type === "message_ack").map(({ key }) => key);
const seqs = (log) => log.notifications.map(({ seq }) => seq);

test("connects to the user's inbox with an identity token", async () => {
  const { world, log, client } = await connected({ getToken: async () => "h.t.s" });
  assert.equal(world.socket.url, "wss://notify.example/ws/notifications/7/");
  assert.deepEqual(world.socket.protocols, ["notifier", "bearer.h.t.s"]);
  assert.deepEqual(log.states, ["connecting", "connecting", "connected"]);
  assert.ok(client.leading);
});

test("keeps the path of a server behind a prefix", async () => {
  const { world } = open({ url: "http://host.example:81/notify/" });
  await settle();
  assert.equal(world.socket.url, "ws://host.example:81/notify/ws/notifications/7/");
});

test("a user of the application connects as whoever the token names", async () => {
  const { world } = await connected({ userId: undefined, user: "auth0|5f7c/é" });
  assert.equal(world.socket.url, "wss://notify.example/ws/notifications/me/");
  assert.deepEqual(world.socket.protocols, ["notifier", "bearer.h.token.1"]);
});

for (const whose of [{ userId: undefined }, { user: "ann" }]) {
  test(`is misconfigured with ${JSON.stringify(whose)} as whose notifications`, async () => {
    const { client, log } = open(whose);
    await settle();
    assert.deepEqual([client.status.state, client.status.reason], ["closed", "misconfigured"]);
    assert.match(log.errors[0], /Give userId, or else user/);
  });
}

test("a server that refuses the subprotocol is tried with the token in the address", async () => {
  const { world, clock } = open();
  await settle();
  world.socket.drop();
  await clock.pass(2_000);
  assert.equal(world.socket.url, "wss://notify.example/ws/notifications/7/?token=h.token.2");
  assert.deepEqual(world.socket.protocols, []);
  world.socket.drop();
  await clock.pass(4_000);
  assert.equal(world.socket.url, "wss://notify.example/ws/notifications/7/");
  assert.equal(world.socket.token, "h.token.3");
});

test("once a server took the subprotocol, no token gets into an address", async () => {
  const { world, clock } = await connected();
  world.socket.drop();
  for (let attempt = 0; attempt < 5; attempt++) {
    await clock.pass(40_000);
    assert.equal(world.socket.url, "wss://notify.example/ws/notifications/7/");
    world.socket.drop();
  }
  assert.ok(world.sockets.length > 4);
});

test("the token of a user of the application never gets into an address", async () => {
  const { world, clock } = open({ userId: undefined, user: "ann" });
  await settle();
  for (let attempt = 0; attempt < 4; attempt++) {
    world.socket.drop();
    await clock.pass(40_000);
    assert.equal(world.socket.url, "wss://notify.example/ws/notifications/me/");
  }
});

test("delivers and then acknowledges", async () => {
  const { world, log } = await connected();
  world.socket.give(frame(1, { title: "Hello" }));
  assert.deepEqual(log.notifications[0].value, { title: "Hello" });
  assert.equal(log.notifications[0].createdAt.getTime(), 1_700_000_000_001);
  assert.deepEqual(acks(world.socket), ["k1"]);
});

test("in manual mode it acknowledges when told to", async () => {
  const { world, log } = await connected({ ack: "manual" });
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  assert.deepEqual(acks(world.socket), []);
  log.notifications[1].ack();
  assert.deepEqual(acks(world.socket), ["k2"]);
});

test("a repeat is not delivered, and acknowledged again only if it was before", async () => {
  const { world, clock, log } = await connected({ ack: "manual" });
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  log.notifications[0].ack();
  world.socket.drop();
  await clock.pass(2_000);
  world.socket.accept();
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  assert.deepEqual(seqs(log), [1, 2]);
  assert.deepEqual(acks(world.socket), ["k1"]);
});

test("passes over a gap after a short wait", async () => {
  const { world, clock, log } = await connected();
  world.socket.give(frame(1));
  world.socket.give(frame(5));
  world.socket.give(frame(6));
  assert.deepEqual(seqs(log), [1]);
  await clock.pass(100);
  assert.deepEqual(seqs(log), [1, 5, 6]);
  assert.deepEqual(acks(world.socket), ["k1", "k5", "k6"]);
});

test("says when it will try again, and comes back", async () => {
  const { world, clock, client, log } = await connected();
  world.socket.drop(1012);
  assert.equal(client.status.state, "reconnecting");
  assert.equal(client.status.retryAt - clock.now, 1_000);
  await clock.pass(999);
  assert.equal(world.sockets.length, 1);
  await clock.pass(1);
  world.socket.accept();
  assert.equal(log.states.at(-1), "connected");
  assert.equal(log.tokens, 1, "a token that is still good is used again");
});

test("backs off further while it fails, and starts afresh after a stable time", async () => {
  const { world, clock, client } = await connected();
  const wait = () => client.status.retryAt - clock.now;
  world.socket.drop();
  assert.equal(wait(), 2_000);
  await clock.pass(2_000);
  world.socket.drop();
  assert.equal(wait(), 4_000);
  await clock.pass(4_000);
  world.socket.accept();
  await clock.pass(10_000);
  world.socket.drop();
  assert.equal(wait(), 2_000);
});

/** A restart: the server says "soon", refuses for `seconds`, and is back. Returns the time it took. */
async function restart({ world, clock, client }, seconds) {
  const began = clock.now;
  world.socket.drop(1012);
  while (client.status.state !== "connected") {
    assert.equal(client.status.state, "reconnecting");
    await clock.pass(client.status.retryAt - clock.now);
    if (clock.now - began < seconds * 1_000) world.socket.drop(1006);
    else world.socket.accept();
  }
  return clock.now - began;
}

test("a connection that lived shortly is back after a restart as soon as any other", async () => {
  const all = await connected();
  assert.equal(await restart(all, 2), 3_000);
  await all.clock.pass(5_000);
  assert.ok((await restart(all, 2)) <= 4_000);
  await all.clock.pass(9_000);
  assert.ok((await restart(all, 2)) <= 6_000);
  await all.clock.pass(10_000);
  assert.equal(await restart(all, 2), 3_000);
});

test("a server that says goodbye to whoever comes is asked less and less often", async () => {
  const { world, clock, client } = await connected();
  const waits = [];
  for (let round = 0; round < 7; round++) {
    world.socket.drop(1012);
    waits.push(client.status.retryAt - clock.now);
    await clock.pass(waits.at(-1));
    world.socket.accept();
    await clock.pass(1_000);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("a server that breaks under whoever comes is asked less and less often", async () => {
  const { world, clock, client } = await connected();
  const waits = [];
  for (let round = 0; round < 5; round++) {
    world.socket.drop(1006);
    waits.push(client.status.retryAt - clock.now);
    await clock.pass(waits.at(-1));
    world.socket.accept();
    await clock.pass(1_000);
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 30_000]);
});

test("a refused handshake is tried again with a fresh token", async () => {
  const { world, clock, log } = open();
  await settle();
  world.socket.drop(1006);
  await clock.pass(2_000);
  assert.match(world.socket.token, /token\.2$/);
  assert.equal(log.tokens, 2);
});

test("handshakes that fail again and again are an error, once", async () => {
  const { world, clock, log, client } = open();
  const refuse = async () => {
    await settle();
    world.socket.drop(1006);
    await clock.pass(client.status.retryAt - clock.now);
  };
  await refuse();
  await refuse();
  assert.deepEqual(log.errors, []);
  for (let more = 0; more < 4; more++) await refuse();
  assert.equal(log.errors.length, 1);
  assert.match(log.errors[0], /too many connections \(429\)/);
  world.socket.accept();
  for (let again = 0; again < 4; again++) await refuse();
  assert.equal(log.errors.length, 2);
});

test("whoever was told to send less comes back later and later, and says so", async () => {
  const { world, clock, client, log } = await connected();
  const waits = [];
  for (let round = 0; round < 4; round++) {
    world.socket.drop(1008, "too many frames");
    waits.push(client.status.retryAt - clock.now);
    await clock.pass(waits.at(-1));
    world.socket.accept();
    await clock.pass(1_000);
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000]);
  assert.deepEqual(log.errors, Array(4).fill("The server refused what this client sent: too many frames."));
});

test("4401 means a new token at once", async () => {
  const { world, clock } = await connected();
  world.socket.drop(4401);
  await clock.pass(0);
  assert.match(world.socket.token, /token\.2$/);
});

test("4403 ends it", async () => {
  const { world, clock, client } = await connected();
  world.socket.drop(4403);
  await clock.pass(3_600_000);
  assert.deepEqual(client.status, { state: "closed", code: 4403, reason: "revoked" });
  assert.equal(world.sockets.length, 1);
  assert.ok(clock.idle);
});

test("no token means nobody is signed in", async () => {
  for (const token of [null, undefined, ""]) {
    const { world, clock, client } = open({ getToken: () => token });
    await clock.pass(60_000);
    assert.deepEqual(client.status, { state: "closed", reason: "signed out" });
    assert.equal(world.sockets.length, 0);
  }
});

test("what isn't a token is an error, and asked for again with back-off", async () => {
  const answers = ["<!DOCTYPE html><title>404</title>", '{"identity":"a.b.c"}', { identity: "a.b.c" }, "h.t.s"];
  const { world, clock, client, log } = open({ getToken: () => answers.shift() });
  const waits = [];
  for (let round = 0; round < 3; round++) {
    await settle();
    waits.push(client.status.retryAt - clock.now);
    await clock.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [2_000, 4_000, 8_000]);
  assert.deepEqual(log.errors, Array(3).fill("What getToken gave is not a token (a JWT)."));
  world.socket.accept();
  assert.equal(client.status.state, "connected");
});

test("what isn't a token doesn't replace the one in use", async () => {
  const world = new World();
  const tokens = [jwt(world.clock.now, 20), "<h1>502 Bad Gateway</h1>", jwt(world.clock.now, 40)];
  const { clock, log } = await connected({ world, getToken: () => tokens.shift() });
  await clock.pass(16_000);
  assert.equal(log.errors.length, 1);
  await clock.pass(5_000);
  assert.deepEqual(world.socket.sent.map(({ key }) => key), ["refresh"]);
  assert.equal(world.sockets.length, 1);
});

test("a token that comes too late for its attempt changes nothing", async () => {
  for (const late of [null, "", "h.late.s"]) {
    for (const order of [[0, 1], [1, 0]]) {
      const asked = [];
      const { world, clock, client } = open({ getToken: () => new Promise((resolve) => asked.push(resolve)) });
      await clock.pass(17_000);
      assert.equal(asked.length, 2);
      for (const attempt of order) {
        asked[attempt]([late, "h.second.s"][attempt]);
        await settle();
        assert.equal(client.status.state, "connecting");
      }
      world.socket.accept();
      world.socket.drop(1012);
      await clock.pass(client.status.retryAt - clock.now);
      assert.equal(world.sockets.length, 2);
      assert.equal(asked.length, 2);
      assert.match(world.socket.token, /h\.second\.s$/);
    }
  }
});

test("a token that comes after a reconnection changes nothing", async () => {
  const world = new World();
  const asked = [];
  const getToken = () => new Promise((resolve) => asked.push(resolve));
  const { clock, client } = open({ world, getToken });
  await settle();
  asked[0](jwt(clock.now, 100));
  await settle();
  world.socket.accept();
  await clock.pass(25_000);
  world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
  await clock.pass(25_000);
  world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
  await clock.pass(25_000);
  world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
  await clock.pass(5_000);
  assert.equal(asked.length, 2, "asked before the token expires");
  world.socket.drop(4401);
  await clock.pass(0);
  asked[1](null);
  await settle();
  asked[2](jwt(clock.now, 100));
  await settle();
  world.socket.accept();
  assert.equal(client.status.state, "connected");
});

test("a token that comes after closing opens nothing", async () => {
  const asked = [];
  const { world, clock, client } = open({ getToken: () => new Promise((resolve) => asked.push(resolve)) });
  await settle();
  asked[0]("h.t.s");
  client.close();
  await settle();
  assert.equal(world.sockets.length, 0);
  assert.equal(client.status.state, "closed");
  assert.ok(clock.idle);
});

test("an address that no socket can have is an error and the end", async () => {
  for (const url of ["notify.example.org", "notify.example.org:8002", "/notify", "", "http://"]) {
    const { world, clock, client, log } = open({ url });
    await clock.pass(60_000);
    assert.deepEqual(client.status, { state: "closed", reason: "misconfigured" }, url);
    assert.match(log.errors.join(), url === "http://" ? /Invalid URL/ : /^url must begin with https:\/\/ or http:\/\/, and is "[^"]*"\.$/);
    assert.equal(world.sockets.length, 0);
    assert.ok(clock.idle);
  }
});

test("outside a browser the address has to be given", async () => {
  const { clock, client, log } = open({ environment: { ...new World().tab(), origin: undefined } });
  await clock.pass(0);
  assert.equal(client.status.reason, "misconfigured");
  assert.deepEqual(log.errors, ["url must begin with https:// or http://, and is undefined."]);
});

test("a platform without WebSocket is told so", async () => {
  const { client, log } = open({ environment: { ...new World().tab({ alone: true }), WebSocket: undefined } });
  await settle();
  assert.deepEqual(client.status, { state: "closed", reason: "misconfigured" });
  assert.match(log.errors[0], /^There is no WebSocket here/);
});

test("a socket that the browser forbids is an error and the end", async () => {
  class Forbidden {
    constructor() {
      throw new DOMException("An insecure connection may not be initiated.", "SecurityError");
    }
  }
  const { client, log } = open({ environment: { ...new World().tab({ alone: true }), WebSocket: Forbidden } });
  await settle();
  assert.deepEqual(client.status, { state: "closed", reason: "misconfigured" });
  assert.deepEqual(log.errors, ["An insecure connection may not be initiated."]);
});

test("an error without words is an error all the same", async () => {
  const { log } = open({ getToken: () => Promise.reject(new Error("")) });
  await settle();
  assert.deepEqual(log.errors, [""]);
  assert.deepEqual(log.frames, []);
});

test("a token that can't be fetched is an error to try again after", async () => {
  let failures = 2;
  const getToken = async () => {
    if (failures-- > 0) throw new Error("server away");
    return "h.t.s";
  };
  const { world, clock, log } = open({ getToken });
  await clock.pass(6_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(log.errors, ["server away", "server away"]);
});

test("a handshake that hangs is given up", async () => {
  const { world, clock, client } = open();
  await clock.pass(15_000);
  assert.equal(world.sockets[0].readyState, 3);
  assert.equal(client.status.state, "reconnecting");
});

test("prolongs the connection before its token expires", async () => {
  const world = new World();
  const getToken = () => jwt(world.clock.now, 3_600);
  const { clock, log } = await connected({ world, getToken });
  const beat = async (seconds) => {
    for (; seconds > 0; seconds -= 20) {
      await clock.pass(20_000);
      world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
    }
  };
  await beat(3_520);
  const refreshes = () => world.socket.sent.filter(({ key }) => key === "refresh");
  assert.equal(refreshes().length, 0);
  await beat(40);
  assert.equal(refreshes().length, 1);
  assert.equal(refreshes()[0].value, jwt(clock.now - 20_000, 3_600));
  await beat(3_540);
  assert.equal(refreshes().length, 2);
  assert.equal(world.sockets.length, 1);
  assert.ok(!log.frames.some(({ text }) => text.includes("h.")), "tokens stay out of the protocol view");
});

test("a refresh that fails is tried again while the connection lives", async () => {
  const world = new World();
  let calls = 0;
  const getToken = async () => {
    if (++calls === 2) throw new Error("away");
    return jwt(world.clock.now, 20);
  };
  const { clock, log } = await connected({ world, getToken });
  await clock.pass(16_000);
  assert.deepEqual(log.errors, ["away"]);
  await clock.pass(5_000);
  assert.equal(world.socket.sent.filter(({ key }) => key === "refresh").length, 1);
});

test("a session that ended is noticed at the next refresh", async () => {
  const world = new World();
  const tokens = [jwt(world.clock.now, 10), null];
  const { clock, client } = await connected({ world, getToken: () => tokens.shift() });
  await clock.pass(8_000);
  assert.equal(client.status.reason, "signed out");
  assert.equal(world.socket.readyState, 3);
});

test("doesn't reuse a token that ran out while the line was down", async () => {
  const world = new World();
  let count = 0;
  const getToken = () => (count++, jwt(world.clock.now, 60));
  const { clock } = await connected({ world, getToken });
  clock.sleep(300_000);
  world.socket.drop();
  await clock.pass(2_000);
  assert.equal(count, 2);
});

test("a half-open socket is found and replaced", async () => {
  const { world, clock, client } = await connected();
  await clock.pass(25_000);
  assert.deepEqual(world.socket.sent, [{ type: "command", key: "ping" }]);
  await clock.pass(5_000);
  assert.equal(client.status.state, "reconnecting");
  assert.equal(world.sockets[0].readyState, 3);
});

test("traffic is proof of life: no ping while frames arrive", async () => {
  const { world, clock } = await connected({ ack: "manual" });
  for (let seq = 1; seq <= 10; seq++) {
    world.socket.give(frame(seq));
    await clock.pass(20_000);
  }
  assert.deepEqual(world.socket.sent, []);
});

test("waking up asks at once instead of waiting for the next beat", async () => {
  const { world, clock, tab, client } = await connected();
  tab.wake();
  assert.deepEqual(world.socket.sent, [{ type: "command", key: "ping" }]);
  await clock.pass(5_000);
  assert.equal(client.status.state, "reconnecting");
});

test("waking up while waiting connects at once", async () => {
  const { world, clock, tab, client } = await connected();
  world.online = false;
  world.socket.drop();
  assert.equal(client.status.state, "offline");
  world.online = true;
  tab.wake();
  await clock.pass(0);
  assert.equal(world.sockets.length, 2);
});

test("a sleeping machine's line is asked on waking and kept if it answers", async () => {
  const { world, clock, client } = await connected();
  clock.sleep(8 * 3_600_000);
  await clock.pass(0);
  assert.deepEqual(world.socket.sent, [{ type: "command", key: "ping" }]);
  world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
  await clock.pass(10_000);
  assert.equal(client.status.state, "connected");
});

test("what the server complains about, and what isn't JSON, are errors", async () => {
  const { world, log, client } = await connected();
  world.socket.give({ type: "message_processing_error", value: "unknown type" });
  world.socket.give("not json");
  assert.deepEqual(log.errors, ["unknown type", "The server sent a frame that isn't JSON."]);
  assert.equal(client.status.state, "connected");
});

test("close leaves nothing behind, and connect works again", async () => {
  const { world, clock, client, log } = await connected();
  world.socket.give(frame(1));
  world.socket.give(frame(3));
  client.close();
  assert.equal(world.socket.readyState, 3);
  assert.ok(clock.idle);
  assert.deepEqual(seqs(log), [1, 3]);
  client.connect();
  await settle();
  world.socket.accept();
  assert.equal(client.status.state, "connected");
});

test("asks for the events of the inbox, of servers of earlier releases too", async () => {
  const { world, clock } = open({ events: "inbox" });
  await settle();
  assert.deepEqual(world.socket.protocols, ["notifier.inbox", "notifier", "bearer.h.token.1"]);
  world.socket.drop();
  await clock.pass(2_000);
  assert.equal(world.socket.url, "wss://notify.example/ws/notifications/7/?token=h.token.2&events=inbox");
});

test("a notification says what an inbox wants to know", async () => {
  const { world, log } = await connected({ events: "inbox" });
  world.socket.give({ ...frame(1), category: "news", priority: "low", expires_at: "2030-01-01T00:00:00Z" });
  world.socket.give(frame(2));
  const [one, other] = log.notifications;
  assert.deepEqual([one.category, one.priority, one.expiresAt.getUTCFullYear()], ["news", "low", 2030]);
  assert.deepEqual([other.category, other.priority, other.expiresAt], [null, "normal", null]);
});

test("what was taken back while it waited for its turn is not passed on", async () => {
  const { world, clock, log } = await connected({ events: "inbox" });
  world.socket.give(frame(1));
  world.socket.give(frame(3));
  world.socket.give({ type: "notification_withdrawn", key: "k3", version: 1 });
  await clock.pass(100);
  assert.deepEqual(seqs(log), [1]);
});

test("after sleep a new deadline runs, whatever was asked before", async () => {
  const { world, clock, tab, client } = await connected();
  await clock.pass(25_000);
  clock.sleep(10_000);
  tab.wake();
  await clock.pass(4_999);
  assert.equal(client.status.state, "connected");
  await clock.pass(1);
  assert.equal(client.status.state, "reconnecting");
  assert.equal(world.sockets.length, 1);
});

test("a socket that died while the page was frozen is replaced at once", async () => {
  const { world, clock, tab } = await connected();
  world.socket.readyState = 3;
  tab.wake();
  await clock.pass(2_000);
  assert.equal(world.sockets.length, 2);
});
