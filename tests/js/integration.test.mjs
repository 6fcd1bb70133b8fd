/** notifier.js with real sockets and the real server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import test, { afterEach } from "node:test";

import { NotifierClient } from "../../static/notifier.js";
import { WebSocket } from "../browser/node_modules/ws/wrapper.mjs";
import { Network, Server } from "./server.mjs";

const PATIENCE = 60_000;
const cleanups = [];

afterEach(async () => {
  while (cleanups.length) await cleanups.pop()();
});

async function start(settings) {
  const server = await new Server(settings).start();
  cleanups.push(() => server[Symbol.asyncDispose]());
  return server;
}

function open(server, options = {}) {
  const client = new NotifierClient({
    userId: 1,
    url: server.url,
    getToken: () => server.identity(),
    retry: { base: 50, cap: 200 },
    environment: { WebSocket },
    ...options,
  });
  const got = [];
  const states = [];
  client.addEventListener("notification", ({ detail }) => got.push(detail.value));
  client.addEventListener("state", ({ detail }) => states.push(detail.state));
  client.connect();
  cleanups.push(() => client.close());
  return { client, got, states };
}

async function until(condition) {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("what was missed comes first, then what is new, once each; acknowledged stays away", async () => {
  const server = await start();
  for (let number = 0; number < 10; number++) await server.send(number);
  const { client, got } = open(server);
  await until(() => got.length === 10);
  await server.send(10);
  await until(() => got.length === 11);
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  client.close();
  await until(async () => (await server.acks()) === 11);

  const again = open(server);
  await until(() => again.client.status.state === "connected");
  await server.send("only this");
  await until(() => again.got.length === 1);
  assert.deepEqual(again.got, ["only this"]);
});

test("what isn't acknowledged comes again to the next device", async () => {
  const server = await start();
  const first = open(server, { ack: "manual" });
  await server.send("keep");
  await until(() => first.got.length === 1);
  first.client.close();
  const second = open(server);
  await until(() => second.got.length === 1);
});

test("a restarted server is found again, and nothing is lost or doubled", async () => {
  const server = await start();
  const opened = open(server, { ack: "manual" });
  await outlivesRestart(server, opened);
  assert.ok(opened.states.includes("reconnecting"));
});

/** What is sent before and after a restart arrives, once each. */
async function outlivesRestart(server, { client, got }) {
  await server.send("before");
  await until(() => got.length === 1);
  await server.stop();
  await until(() => client.status.state !== "connected");
  await server.start();
  await server.send("after");
  await until(() => got.length === 2);
  assert.deepEqual(got, ["before", "after"]);
}

test("a connection outlives its tokens", async () => {
  const server = await start({ NOTIFIER_IDENTITY_SECONDS: "2" });
  const { client, got, states } = open(server);
  const refreshed = [];
  client.addEventListener("frame", ({ detail }) => {
    if (detail.direction === "in" && detail.text.includes('"refresh"')) refreshed.push(detail.text);
  });
  await until(() => refreshed.length === 3);
  await server.send("still here");
  await until(() => got.length === 1);
  assert.deepEqual(states, ["connecting", "connecting", "connected"]);
  assert.ok(Date.parse(JSON.parse(refreshed[0]).value) > 0);
});

test("a line that fell silent is noticed and replaced", async () => {
  const server = await start();
  const network = new Network(server.port);
  const url = await network.open();
  cleanups.push(() => network[Symbol.dispose]());
  const { client, got } = open(server, { url, heartbeat: { interval: 200, timeout: 200 } });
  await until(() => client.status.state === "connected");
  network.fallSilent();
  await server.send("through the silence");
  await until(() => got.length === 1);
  assert.equal(network.connections, 2);
});

test("signing out everywhere ends the connection for good", async () => {
  const server = await start();
  const { client } = open(server);
  await until(() => client.status.state === "connected");
  const closed = once(client, "state");
  await server.signOutEverywhere();
  await closed;
  assert.deepEqual(client.status, { state: "closed", code: 4403, reason: "revoked" });
});

test("a refused token is replaced by a fresh one", async () => {
  const server = await start();
  const tokens = ["forged.forged.forged", await server.identity()];
  const { client, states } = open(server, { getToken: () => tokens.shift() });
  await until(() => client.status.state === "connected");
  assert.ok(states.includes("reconnecting"));
});

test("Node's own WebSocket serves as well, through refusals and restarts", async () => {
  const server = await start();
  const tokens = ["forged.forged.forged"];
  const getToken = () => tokens.pop() ?? server.identity();
  await outlivesRestart(server, open(server, { environment: {}, getToken }));
});

test("numbers arrive as they were sent", async () => {
  const server = await start();
  const raw = [];
  const { client } = open(server);
  client.addEventListener("notification", ({ detail }) => raw.push(detail.raw));
  await fetch(`${server.url}/api/notifications/send/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: '{"user_id": 1, "payload": {"big": 12345678901234567890, "price": 1.10}}',
  });
  await until(() => raw.length === 1);
  assert.equal(raw[0].replaceAll(" ", ""), '{"big":12345678901234567890,"price":1.10}');
});
