/** Several tabs of one browser on one socket. */
import assert from "node:assert/strict";
import test from "node:test";

import { NotifierClient } from "../../static/notifier.js";
import { World, frame, settle } from "./world.mjs";

function open(world, options = {}) {
  const tab = world.tab();
  const got = [];
  const client = new NotifierClient({
    userId: 7,
    getToken: () => "h.t.s",
    environment: tab,
    ...options,
  });
  client.addEventListener("notification", ({ detail }) => got.push(detail));
  client.connect();
  return { tab, client, got, seqs: () => got.map(({ seq }) => seq) };
}

async function browser(count, options) {
  const world = new World();
  const tabs = [];
  for (let index = 0; index < count; index++) {
    tabs.push(open(world, options));
    await settle();
  }
  world.socket.accept();
  await settle();
  return { world, tabs };
}

const acks = (socket) => socket.sent.filter(({ type }) => type === "message_ack").map(({ key }) => key);

test("three tabs open one socket, and each gets everything", async () => {
  const { world, tabs } = await browser(3);
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  await settle();
  assert.equal(world.sockets.length, 1);
  for (const tab of tabs) assert.deepEqual(tab.seqs(), [1, 2]);
  for (const tab of tabs) assert.equal(tab.client.status.state, "connected");
  assert.deepEqual(tabs.map(({ client }) => client.leading), [true, false, false]);
  assert.deepEqual(acks(world.socket), ["k1", "k2"], "acknowledged once, not once per tab");
});

test("when the leader closes, another tab takes over", async () => {
  const { world, tabs } = await browser(2);
  world.socket.give(frame(1));
  tabs[0].client.close();
  await settle();
  assert.equal(world.sockets.length, 2);
  world.socket.accept();
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  assert.deepEqual(tabs[1].seqs(), [1, 2]);
  assert.equal(tabs[1].client.status.state, "connected");
});

test("a tab that opens later learns the state and what is not acknowledged", async () => {
  const { world } = await browser(1, { ack: "manual" });
  world.socket.give(frame(1));
  world.socket.give(frame(2));
  const late = open(world, { ack: "manual" });
  await settle();
  assert.equal(late.client.status.state, "connected");
  assert.deepEqual(late.seqs(), [1, 2]);
});

test("a following tab acknowledges through the leader", async () => {
  const { world, tabs } = await browser(2, { ack: "manual" });
  world.socket.give(frame(1));
  await settle();
  tabs[1].got[0].ack();
  await settle();
  assert.deepEqual(acks(world.socket), ["k1"]);
});

test("what several tabs acknowledge is acknowledged once", async () => {
  const { world, tabs } = await browser(3, { ack: "manual" });
  world.socket.give(frame(1));
  await settle();
  for (const { got } of tabs) got[0].ack();
  await settle();
  assert.deepEqual(acks(world.socket), ["k1"]);
});

test("a leader that froze is replaced when somebody looks at another tab", async () => {
  const { world, tabs } = await browser(2);
  tabs[0].tab.frozen = true;
  tabs[1].tab.wake();
  await world.clock.pass(3_000);
  assert.equal(world.sockets.length, 2);
  world.socket.accept();
  assert.deepEqual(tabs.map(({ client }) => client.leading), [false, true]);
  assert.equal(world.sockets[0].readyState, 3, "the former leader let go of its socket");
});

test("a leader that answers keeps its place", async () => {
  const { world, tabs } = await browser(2);
  tabs[1].tab.wake();
  await settle();
  world.socket.give({ type: "command_processing_result", key: "ping", value: "pong" });
  await world.clock.pass(10_000);
  assert.equal(world.sockets.length, 1);
  assert.ok(tabs[0].client.leading);
});

test("the former leader is next in line again", async () => {
  const { world, tabs } = await browser(2);
  tabs[0].tab.frozen = true;
  tabs[1].tab.wake();
  await world.clock.pass(3_000);
  world.socket.accept();
  tabs[0].tab.frozen = false;
  tabs[1].client.close();
  await settle();
  assert.ok(tabs[0].client.leading);
  assert.equal(world.sockets.length, 3);
});

test("revocation ends every tab, and nobody inherits the socket", async () => {
  const { world, tabs } = await browser(3);
  world.socket.drop(4403);
  await world.clock.pass(60_000);
  for (const { client } of tabs) assert.equal(client.status.state, "closed");
  assert.equal(world.sockets.length, 1);
});

test("another user's tabs keep to themselves", async () => {
  const world = new World();
  const ann = open(world, { userId: 1 });
  await settle();
  const bob = open(world, { userId: 2 });
  await settle();
  assert.equal(world.sockets.length, 2);
  for (const socket of world.sockets) socket.accept();
  world.sockets[0].give(frame(1));
  await settle();
  assert.deepEqual([ann.seqs(), bob.seqs()], [[1], []]);
});

test("a user of the application who is called like a number is another one", async () => {
  const world = new World();
  for (const whose of [{ userId: 1 }, { userId: undefined, user: "1" }]) {
    open(world, whose);
    await settle();
  }
  assert.equal(world.sockets.length, 2);
});

test("with sharing switched off each tab has its own socket", async () => {
  const world = new World();
  const tabs = [open(world, { shareTabs: false }), open(world, { shareTabs: false })];
  await settle();
  assert.equal(world.sockets.length, 2);
  assert.ok(tabs.every(({ client }) => client.leading));
});

const inboxOf = (client) => {
  const frames = [];
  client.addEventListener("inbox", ({ detail }) => frames.push(detail));
  return frames;
};
const state = (unread, seq, version = 5) => ({ type: "inbox_state", unread, unseen: unread, seq, version });
const changed = { type: "inbox_changed", unread: 1, unseen: 1, seq: 2, version: 6, changes: [{ version: 6, up_to: 1, read_at: "2026-01-01T00:00:00Z" }] };

test("what happens to the inbox reaches every tab, as the server says it", async () => {
  const { world, tabs } = await browser(2, { events: "inbox" });
  const heard = tabs.map(({ client }) => inboxOf(client));
  const withdrawn = { type: "notification_withdrawn", key: "k1", version: 7 };
  for (const frame of [state(2, 2), changed, withdrawn]) world.socket.give(frame);
  await settle();
  for (const frames of heard) assert.deepEqual(frames, [state(2, 2), changed, withdrawn]);
});

test("a tab that opens later is told how many are unread by now", async () => {
  const { world } = await browser(1, { events: "inbox" });
  world.socket.give(state(2, 2));
  world.socket.give(changed);
  world.socket.give({ ...frame(3), priority: "low" });
  world.socket.give({ ...frame(4), priority: "normal" });
  const late = open(world, { events: "inbox" });
  const frames = inboxOf(late.client);
  await settle();
  assert.deepEqual(frames, [{ ...state(3, 4, 6), unseen: 2 }]);
});

test("what was taken back is not handed to a tab that opens later", async () => {
  const { world } = await browser(1, { events: "inbox", ack: "manual" });
  world.socket.give(frame(1));
  world.socket.give({ type: "notification_withdrawn", key: "k1", version: 1 });
  const late = open(world, { events: "inbox", ack: "manual" });
  await settle();
  assert.deepEqual(late.seqs(), []);
});

test("a leader that froze is replaced although nobody switches tabs", async () => {
  const { world, tabs } = await browser(2);
  await world.clock.pass(1_000);
  const pong = { type: "command_processing_result", key: "ping", value: "pong" };
  for (let ping = 0; ping < 3; ping++) {
    await world.clock.pass(26_000);
    world.socket.give(pong);
  }
  assert.equal(world.sockets.length, 1, "not as long as it is heard of");
  tabs[0].tab.frozen = true;
  await world.clock.pass(33_000);
  assert.deepEqual(tabs.map(({ client }) => client.leading), [false, true]);
});

test("a tab that was frozen itself does not take over from a leader that lives", async () => {
  const { world, tabs } = await browser(2);
  tabs[1].tab.wake();
  world.clock.sleep(60_000);
  await world.clock.pass(4_000);
  assert.ok(tabs[0].client.leading);
});
