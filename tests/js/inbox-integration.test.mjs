/** Inbox with real sockets and the real server: two clients of one user agree. */
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Inbox } from "../../static/notifier-inbox.js";
import { WebSocket } from "../browser/node_modules/ws/wrapper.mjs";
import { Network, Server } from "./server.mjs";

const PATIENCE = 60_000;
/** @type {Server} */
let server;
let network;
let url;
const inboxes = [];

before(async () => {
  server = await new Server().start();
  network = new Network(server.port);
  url = await network.open();
});

after(async () => {
  for (const inbox of inboxes) inbox.close();
  network[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

async function open(options = {}) {
  const inbox = new Inbox({
    userId: 1,
    url: server.url,
    getToken: () => server.identity(),
    retry: { base: 50, cap: 200 },
    heartbeat: { interval: 200, timeout: 200 },
    environment: { WebSocket },
    ...options,
  });
  inboxes.push(inbox);
  const view = inbox.view();
  inbox.connect();
  await until(() => inbox.counts !== null);
  await view.load();
  assert.equal(view.state, "ready", String(view.error));
  return { inbox, view, item: (key) => view.items.find((each) => each.key === key) };
}

async function until(condition) {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const send = (key, more = {}) =>
  server.post("/api/notifications/send/", { user_id: 1, payload: { title: key }, key, ...more });

/** What both count is what the server counts. */
async function agree(...clients) {
  const headers = { Authorization: `Bearer ${await server.identity()}` };
  const { unread, unseen } = await (await fetch(`${server.url}/api/inbox/count/`, { headers })).json();
  const counted = ({ inbox }) => inbox.counts.unread === unread && inbox.counts.unseen === unseen;
  await until(() => clients.every(counted));
}

test("what is read in one is read in the other, and back", async () => {
  const [one, other] = [await open(), await open()];
  await send("a", { category: "news", priority: "high" });
  await send("b");
  await until(() => one.inbox.counts.seq === 2 && other.inbox.counts.seq === 2);
  for (const { view } of [one, other]) view.showFresh();
  assert.deepEqual([one.item("a").category, one.item("a").priority, one.item("a").message.title], ["news", "high", "a"]);
  const changed = await one.inbox.read(["a"]);
  await until(() => other.item("a").readAt);
  await agree(one, other);
  await other.inbox.archive(["b"]);
  await until(() => one.item("b").archivedAt);
  await changed.undo();
  await until(() => !one.item("a").readAt && !other.item("a").readAt);
  await agree(one, other);
});

test("what is withdrawn, or replaced, disappears from both", async () => {
  const [one, other] = [await open(), await open()];
  await send("c1", { collapse_key: "comments" });
  await until(() => one.view.fresh && other.view.fresh);
  for (const { view } of [one, other]) view.showFresh();
  await send("c2", { collapse_key: "comments" });
  await until(() => [one, other].every(({ view, item }) => !item("c1") && view.fresh === 1));
  await agree(one, other);
});

test("one that was offline follows", async () => {
  const one = await open();
  const other = await open({ url, deadline: 500 });
  await send("while here");
  await until(() => one.view.fresh && other.view.fresh);
  for (const { view } of [one, other]) view.showFresh();
  network.fallSilent();
  await send("while away");
  await one.inbox.read(["while here"]);
  await until(() => other.item("while here").readAt && other.view.fresh === 1);
  await agree(one, other);
});

test("both survive a restart of the server", async () => {
  const [one, other] = [await open(), await open()];
  await send("before");
  await until(() => one.view.fresh && other.view.fresh);
  for (const { view } of [one, other]) view.showFresh();
  await server.stop();
  await until(() => one.inbox.status.state !== "connected");
  await assert.rejects(one.inbox.read(["before"]), { name: "InboxError", status: 0 });
  assert.equal(one.item("before").readAt, null, "taken back");
  await server.start();
  await until(() => one.inbox.status.state === "connected" && other.inbox.status.state === "connected");
  await one.inbox.read(["before"]);
  await until(() => other.item("before").readAt);
  await agree(one, other);
});

test("a thousand are read at once, and back by undo", async () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  for (let start = 0; start < 1_000; start += 100) {
    await Promise.all(numbers.slice(start, start + 100).map((number) => send(`n${number}`, { category: "many" })));
  }
  const [one, other] = [await open(), await open()];
  await agree(one, other);
  const before = one.inbox.counts.unread;
  const changed = await one.inbox.readAll();
  assert.equal(one.inbox.counts.unread, 0, "at once");
  await until(() => other.inbox.counts.unread === 0 && other.view.items.every(({ readAt }) => readAt));
  await agree(one, other);
  await changed.undo();
  await until(() => [one, other].every(({ inbox }) => inbox.counts.unread === before));
  await until(() => [one, other].every(({ view }) => view.items.some(({ readAt }) => !readAt)));
  while (other.view.more) await other.view.load();
  assert.equal(other.view.items.filter(({ category }) => category === "many").length, 1_000);
  assert.equal(new Set(other.view.items.map(({ key }) => key)).size, other.view.items.length);
  await agree(one, other);
});
