/** Inbox, with a fake server, fake sockets and a fake clock. */
import assert from "node:assert/strict";
import test from "node:test";

import { Inbox, InboxError } from "../../static/notifier-inbox.js";
import { NotifierClient } from "../../static/notifier.js";
import { Access } from "../../static/notifier/inbox/access.js";
import { asMessage } from "../../static/notifier/inbox/message.js";
import { InboxServer } from "./inbox-server.mjs";
import { World, jwt, settle } from "./world.mjs";

function open(options = {}, world = new World(), server = new InboxServer(world)) {
  const tab = { ...world.tab(), fetch: server.fetch };
  const log = { counts: [], notifications: [], withdrawn: [], errors: [] };
  const inbox = new Inbox({ userId: 7, getToken: () => "h.t.s", environment: tab, ...options });
  inbox.addEventListener("counts", ({ detail }) => log.counts.push(detail));
  inbox.addEventListener("notification", ({ detail }) => log.notifications.push(detail));
  inbox.addEventListener("withdrawn", ({ detail }) => log.withdrawn.push(detail));
  inbox.addEventListener("error", ({ detail }) => log.errors.push(detail.message));
  return { world, server, inbox, log, tab, clock: world.clock, give: (frame) => world.socket.give(frame) };
}

/** Connected, with so many notifications in the log. */
async function connected(count = 0, options = {}) {
  const all = open(options);
  for (let number = 0; number < count; number++) all.server.send({ acked: true });
  all.inbox.connect();
  await settle();
  all.world.socket.accept();
  all.give(all.server.state());
  await settle();
  return all;
}

async function shown(count, filter) {
  const all = await connected(count);
  const view = all.inbox.view(filter);
  await view.load();
  return { ...all, view };
}

const seqs = (view) => view.items.map(({ seq }) => seq);
const numbers = ({ unread, unseen }) => [unread, unseen];

test("asks for the events of the inbox, and says how many are unread", async () => {
  const { world, inbox, log } = await connected(3);
  assert.deepEqual(world.socket.protocols, ["notifier.inbox", "notifier", "bearer.h.t.s"]);
  assert.deepEqual(inbox.counts, { unread: 3, unseen: 3, seq: 3, version: 0 });
  assert.deepEqual(log.counts, [inbox.counts]);
});

test("counts what comes behind what was told, once; low priority is born seen", async () => {
  const { server, inbox, give } = await connected(2);
  const frame = server.send();
  give(frame);
  give(frame);
  give(server.send({ priority: "low" }));
  assert.deepEqual(inbox.counts, { unread: 4, unseen: 3, seq: 4, version: 0 });
  give(server.state());
  assert.deepEqual(inbox.counts, { unread: 4, unseen: 3, seq: 4, version: 0 });
});

test("loads pages by a cursor, the newest first", async () => {
  const { view, server } = await shown(120);
  assert.deepEqual([view.state, view.more, view.items.length, view.items[0].seq], ["ready", true, 50, 120]);
  await view.load();
  await view.load();
  assert.deepEqual(seqs(view), server.page().map(({ seq }) => seq));
  assert.equal(view.more, false);
  await view.load();
  assert.equal(view.items.length, 120);
  assert.equal(server.requests[0].headers.Authorization, "Bearer h.t.s");
});

test("pages neither repeat nor skip when something comes between them", async () => {
  const { view, server, give } = await shown(120);
  for (let number = 0; number < 30; number++) give(server.send());
  await view.load();
  await view.load();
  assert.deepEqual(seqs(view), Array.from({ length: 120 }, (_, index) => 120 - index));
  assert.equal(view.fresh, 30);
  view.showFresh();
  assert.deepEqual(seqs(view), server.page().map(({ seq }) => seq));
});

test("two calls of load at once load one page", async () => {
  const { view, server } = await shown(120);
  await Promise.all([view.load(), view.load()]);
  assert.equal(view.items.length, 100);
  assert.equal(server.pages.length, 2);
});

test("what comes does not move what is on the screen, but fills an empty list", async () => {
  const { view, server, give, log } = await shown(0);
  give(server.send());
  assert.deepEqual([seqs(view), view.fresh], [[1], 0]);
  give(server.send());
  assert.deepEqual([seqs(view), view.fresh], [[1], 1]);
  view.showFresh();
  assert.deepEqual([seqs(view), view.fresh], [[2, 1], 0]);
  assert.deepEqual(log.notifications.map(({ seq }) => seq), [1, 2]);
});

test("a view is told once of what changes at once", async () => {
  const { view, server, give } = await shown(3);
  let changes = 0;
  view.addEventListener("change", () => changes++);
  give(server.send());
  give(server.send());
  await settle();
  assert.equal(changes, 1);
});

test("reading holds at once, in all views and counts, and is one request that outlives the page", async () => {
  const { view, server, inbox } = await shown(3);
  const before = view.items[0];
  const changed = inbox.read(["k3"]);
  assert.ok(view.items[0].readAt && view.items[0].seenAt && view.items[0].ackedAt);
  assert.equal(before.readAt, null, "an item never changes");
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
  assert.equal((await changed).changed, true);
  const { name, body, keepalive } = server.requests.at(-1);
  assert.deepEqual([name, body, keepalive], ["read", { keys: ["k3"] }, true]);
});

test("what the server tells of one's own change counts nothing twice", async () => {
  const { server, inbox, give, log } = await shown(3);
  const release = server.hold();
  const changed = inbox.read(["k3"]);
  await settle();
  give(server.changed(0));
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
  await release();
  await changed;
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
  assert.deepEqual(new Set(log.counts.map(({ unread }) => unread)), new Set([3, 2]));
});

test("what the server refuses is taken back, in its words", async () => {
  const { view, server, inbox } = await shown(3);
  server.refuse({ status: 429, body: { detail: "Several changes are under way.", code: "too_many_changes" } });
  await assert.rejects(inbox.archive(["k2"]), (error) => {
    assert.ok(error instanceof InboxError);
    assert.deepEqual([error.status, error.code], [429, "too_many_changes"]);
    return /under way/.test(error.message);
  });
  assert.equal(view.items[1].archivedAt, null);
  assert.deepEqual(numbers(inbox.counts), [3, 3]);
});

test("a request without an answer fails after its deadline", async () => {
  const { clock, tab } = await connected(1);
  const never = (url, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const slow = open({ environment: { ...tab, fetch: never } });
  const failed = assert.rejects(slow.inbox.read(["k1"]), { status: 0, message: /too slow/ });
  await clock.pass(15_000);
  await failed;
});

test("a token that is refused is replaced once", async () => {
  let tokens = 0;
  const { server, inbox } = await connected(1, { getToken: () => `h.t.${++tokens}` });
  server.refuse({ status: 401, body: { detail: "no" } });
  await inbox.read(["k1"]);
  assert.equal(server.requests.length, 2);
  assert.notEqual(server.requests[0].headers.Authorization, server.requests[1].headers.Authorization);
});

test("more than a hundred keys are several requests, and one undo", async () => {
  const { server, inbox } = await shown(250);
  const keys = Array.from({ length: 250 }, (_, index) => `k${index + 1}`);
  const changed = await inbox.read(keys);
  assert.deepEqual(server.requests.filter(({ name }) => name === "read").map(({ body }) => body.keys.length), [100, 100, 50]);
  assert.equal(server.counts().unread, 0);
  await changed.undo();
  assert.equal(server.counts().unread, 250);
});

test("what another device does is applied, with all that it makes true", async () => {
  const { view, server, inbox, give } = await shown(3);
  give(server.change("read", { keys: ["k1", "k2"] }));
  give(server.change("archive", { keys: ["k2"] }));
  assert.ok(view.items[2].readAt && view.items[1].readAt && view.items[1].archivedAt);
  assert.deepEqual(numbers(inbox.counts), [1, 1]);
  assert.deepEqual(view.items.map((item) => view.fits(item)), [true, false, true]);
});

test("a change of everything covers what was listed, and nothing that came after", async () => {
  const { view, server, give } = await shown(3);
  give(server.change("archive", { keys: ["k1"] }));
  give(server.send());
  view.showFresh();
  give(server.change("read", { up_to: 3 }));
  assert.deepEqual(view.items.map(({ readAt }) => readAt !== null), [false, true, true, false]);
});

test("what a change of everything means goes by its moment, not by when it is heard", async () => {
  const { view, server, clock, give } = await shown(2);
  give(server.change("read", { keys: ["k1", "k2"] }));
  give(server.change("snooze", { keys: ["k1"], until: server.moment(clock.now + 1_000) }));
  const unread = server.change("unread", { up_to: 2 });
  await clock.pass(1_000);
  await settle();
  const asked = server.requests.length;
  give(unread);
  await settle();
  assert.deepEqual(view.items.map(({ readAt }) => readAt !== null), [false, true], "the older one was put off");
  assert.equal(server.requests.length, asked, "nothing is left to ask for");
});

test("what is read stays in a list of unread ones, marked, until that is loaded anew", async () => {
  const { view, inbox } = await shown(3, { status: "unread" });
  await inbox.read(["k2"]);
  assert.deepEqual(view.items.map((item) => view.fits(item)), [true, false, true]);
  await view.reload();
  assert.deepEqual(seqs(view), [3, 1]);
});

test("all is read up to the newest that was shown, and taken back by undo", async () => {
  const { view, server, inbox, give } = await shown(120);
  give(server.send());
  const changing = inbox.readAll();
  await settle();
  assert.deepEqual(numbers(inbox.counts), [1, 1]);
  const changed = await changing;
  assert.deepEqual(server.requests.at(-1).body, { up_to: 120 });
  give(server.changed(0));
  await view.load();
  assert.ok(view.items.every(({ readAt }) => readAt));
  const undoing = changed.undo();
  assert.ok(view.items.slice(0, 50).every(({ readAt }) => !readAt), "at once");
  await undoing;
  give(server.changed(1));
  await settle();
  assert.ok(view.items.every(({ readAt }) => !readAt));
  assert.deepEqual([numbers(inbox.counts), view.fresh], [[121, 121], 1]);
});

test("all of one category is read, and the others are not", async () => {
  const { server, inbox, view } = await shown(0);
  for (const category of ["a", "b", "a"]) server.send({ category });
  await view.reload();
  await inbox.readAll({ category: "a" });
  assert.deepEqual(view.items.map(({ readAt }) => readAt !== null), [true, false, true]);
  assert.deepEqual(server.requests.at(-1).body, { up_to: 3, category: "a" });
});

test("what is withdrawn disappears from lists and counts", async () => {
  const { view, server, inbox, give, log } = await shown(3);
  give(server.send());
  for (const key of ["k2", "k4"]) {
    const changed = server.change("withdraw", { key });
    give({ type: "notification_withdrawn", key, version: server.version });
    give(changed);
  }
  assert.deepEqual([seqs(view), view.fresh], [[3, 1], 0]);
  assert.deepEqual(log.withdrawn, ["k2", "k4"]);
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
});

test("one that takes the place of another is counted once", async () => {
  const { view, server, inbox, give } = await shown(2);
  const frame = server.send({ payload: "3 new comments" });
  const changed = server.change("withdraw", { key: "k2" });
  give({ type: "notification_withdrawn", key: "k2", version: 1 });
  give(changed);
  give(frame);
  await settle();
  assert.deepEqual([seqs(view), view.fresh], [[1], 1]);
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
});

test("a snoozed one comes back by the clock, to its place", async () => {
  const { view, server, inbox, clock, give } = await shown(3);
  await inbox.snooze(["k2"], new Date(clock.now + 60_000));
  give(server.changed(0));
  assert.equal(view.fits(view.items[1]), false);
  const asleep = view.items[1];
  let changes = 0;
  view.addEventListener("change", () => changes++);
  await settle();
  changes = 0;
  await clock.pass(60_000);
  assert.equal(view.fits(view.items[1]), true);
  assert.notEqual(view.items[1], asleep, "another object, so that a row is drawn anew");
  assert.equal(changes, 1);
});

test("one that was snoozed before it was loaded is found when it is back", async () => {
  const { view, server, clock, give } = await shown(3);
  give(server.change("snooze", { keys: ["k2"], until: server.moment(clock.now + 60_000) }));
  await view.reload();
  assert.deepEqual(seqs(view), [3, 1]);
  await clock.pass(60_000);
  give(server.state());
  await settle();
  assert.deepEqual([seqs(view), view.fresh], [[3, 1], 1]);
  view.showFresh();
  assert.deepEqual(seqs(view), [3, 2, 1]);
});

test("what expires unacknowledged leaves by the clock", async () => {
  const { view, server, clock } = await shown(1);
  server.send({ ttl: 30_000 });
  server.send({ ttl: 30_000, acked: true });
  await view.reload();
  assert.deepEqual(seqs(view), [3, 2, 1]);
  await clock.pass(30_000);
  assert.deepEqual(seqs(view), [3, 1]);
});

test("a gap in the versions is closed by asking", async () => {
  const { view, server, inbox, give } = await shown(3);
  server.change("read", { keys: ["k1"] });
  give(server.change("read", { keys: ["k2"] }));
  await settle();
  assert.deepEqual(view.items.map(({ readAt }) => readAt !== null), [false, true, true]);
  assert.deepEqual(numbers(inbox.counts), [1, 1]);
  assert.equal(server.requests.at(-1).query.after, "0");
});

test("whoever was away learns what has changed and what has come meanwhile", async () => {
  const { view, server, inbox, world, clock, give } = await shown(3);
  world.socket.drop();
  server.change("read", { up_to: 2 });
  server.send({ acked: true });
  server.change("archive", { keys: ["k3"] });
  await clock.pass(2_000);
  world.socket.accept();
  give(server.state());
  await settle();
  assert.deepEqual(view.items.map(({ readAt }) => readAt !== null), [false, true, true]);
  assert.ok(view.items[0].archivedAt);
  assert.deepEqual([view.fresh, seqs(view)], [1, [3, 2, 1]]);
  assert.deepEqual(numbers(inbox.counts), numbers(server.counts()));
});

test("whoever was away for too long loads anew, and the screen stays", async () => {
  const { view, server, inbox, world, clock, give } = await shown(3);
  world.socket.drop();
  server.change("read", { keys: ["k2"] });
  server.change("withdraw", { key: "k1" });
  server.send({ acked: true });
  server.forgotten = 2;
  await clock.pass(2_000);
  world.socket.accept();
  give(server.state());
  await settle();
  assert.deepEqual([seqs(view), view.fresh], [[3, 2], 1]);
  assert.ok(view.items[1].readAt);
  assert.deepEqual(numbers(inbox.counts), [2, 2]);
});

test("a server that was set back is believed", async () => {
  const { view, server, inbox, world, clock, give } = await shown(3);
  give(server.change("read", { keys: ["k2"] }));
  world.socket.drop();
  Object.assign(server.get("k2"), { read_at: null, seen_at: null, version: 0 });
  server.version = 0;
  server.record = [];
  await clock.pass(2_000);
  world.socket.accept();
  give(server.state());
  await settle();
  await settle();
  assert.ok(view.items.every(({ readAt }) => readAt === null));
  assert.deepEqual(numbers(inbox.counts), [3, 3]);
});

test("thousands that came meanwhile are counted, and loaded when they are wanted", async () => {
  const { view, server, world, clock, give } = await shown(3);
  world.socket.drop();
  for (let number = 0; number < 1_500; number++) server.send({ acked: true });
  await clock.pass(2_000);
  world.socket.accept();
  give(server.state());
  for (let page = 0; page < 10; page++) await settle();
  assert.deepEqual([seqs(view), view.fresh >= 1_000], [[3, 2, 1], true]);
  view.showFresh();
  await settle();
  assert.deepEqual([view.items[0].seq, view.items.length, view.fresh], [1_503, 50, 0]);
});

test("of thousands that come live only the number is held, and taking them loads anew", async () => {
  const { view, server, give } = await shown(3);
  for (let number = 0; number < 2_500; number++) give(server.send());
  assert.equal(view.fresh, 2_500);
  assert.ok([...view.held()].length <= 1_003);
  give(server.change("seen", { keys: ["k4"] }));
  assert.equal(view.fresh, 2_500);
  view.showFresh();
  await settle();
  assert.deepEqual([view.items[0].seq, view.items.length, view.fresh, view.more], [2_503, 50, 0, true]);
});

test("what comes back from a snooze while the list is loaded anew stays in it", async () => {
  const { view, server, give, clock } = await shown(2);
  give(server.change("snooze", { keys: ["k1"], until: server.moment(server.now + 100) }));
  const release = server.hold();
  const loaded = view.reload();
  await clock.pass(101);
  await release();
  await loaded;
  assert.deepEqual([seqs(view), view.fresh], [[2, 1], 0]);
});

test("a page that was read before a change, and comes after it, is brought up to date", async () => {
  const { server, inbox, give } = await connected(3);
  const view = inbox.view();
  const release = server.hold();
  const loaded = view.load();
  await settle();
  give(server.change("read", { keys: ["k2"] }));
  give(server.change("withdraw", { key: "k1" }));
  await release();
  await loaded;
  assert.deepEqual(seqs(view), [3, 2]);
  assert.ok(view.items[1].readAt);
});

test("what comes while the first page is loaded is there once", async () => {
  const { server, inbox, give } = await connected(2);
  const view = inbox.view();
  const release = server.hold();
  const loaded = view.load();
  await settle();
  give(server.send());
  await release();
  await loaded;
  assert.deepEqual([seqs(view), view.fresh], [[2, 1], 1]);
});

test("a change that is told before its notification comes still holds", async () => {
  const { view, server, give } = await shown(1);
  const frame = server.send();
  give(server.change("read", { keys: ["k2"] }));
  give(frame);
  await settle();
  view.showFresh();
  assert.ok(view.items[0].readAt);
});

test("what another device brings into a list is found", async () => {
  const { view, server, give } = await shown(3, { archived: "only" });
  assert.deepEqual(seqs(view), []);
  give(server.change("archive", { keys: ["k2"] }));
  await settle();
  assert.deepEqual(seqs(view), [2]);
});

test("one that is archived in one view comes into the other", async () => {
  const { inbox, view } = await shown(3);
  const archive = inbox.view({ archived: "only" });
  await archive.load();
  await inbox.archive(["k2"]);
  assert.deepEqual(seqs(archive), [2]);
  assert.equal(view.fits(view.items[1]), false);
});

test("a view that could not load says so, and can be asked again", async () => {
  const { inbox, server } = await connected(3);
  const view = inbox.view();
  server.refuse();
  await view.load();
  assert.equal(view.state, "failed");
  assert.match(view.error.message, /can't be reached: fetch failed/);
  await view.load();
  assert.deepEqual([view.state, view.error, view.items.length], ["ready", null, 3]);
});

test("without a connection, what was done here is confirmed by asking", async () => {
  const { view, server, inbox, world, clock } = await shown(3);
  world.socket.drop();
  await inbox.read(["k1"]);
  await clock.pass(1);
  assert.equal(server.requests.at(-1).name, "changes");
  assert.equal(inbox.counts.version, 1);
  assert.ok(view.items[2].readAt);
});

test("an inbox on a line that is there already counts on, and asks for no other token", async () => {
  const world = new World();
  const server = new InboxServer(world);
  const environment = { ...world.tab(), fetch: server.fetch };
  let asked = 0;
  const options = { userId: 7, getToken: () => (asked++, jwt(world.clock.now, 600)), environment };
  const access = new Access(options.getToken, environment.now);
  const client = new NotifierClient({ ...options, events: "inbox", getToken: () => access.renew() });
  assert.equal(client.counts, null);
  client.connect();
  await settle();
  world.socket.accept();
  world.socket.give(server.state());
  world.socket.give(server.send());
  assert.deepEqual(numbers(client.counts), [1, 1]);

  const inbox = new Inbox(options, { access, client });
  assert.deepEqual([inbox.status.state, ...numbers(inbox.counts)], ["connected", 1, 1]);
  const view = inbox.view();
  await view.load();
  world.socket.give(server.send());
  await settle();
  assert.deepEqual([seqs(view), view.fresh, ...numbers(inbox.counts)], [[1], 1, 2, 2]);
  await inbox.read(["k1"]);
  world.socket.give(server.changed(0));
  assert.deepEqual([...numbers(inbox.counts), asked, world.sockets.length], [1, 1, 1, 1]);
  inbox.close();
  assert.equal(client.status.state, "closed");
});

test("payload texts are kept as they were sent", async () => {
  const { world, tab } = await connected(0);
  const items = '[{"key":"a","seq":2,"payload":{"n":12345678901234567890},"created_at":"2026-01-01T00:00:00Z","version":0},{"payload": "x, ]","key":"b","seq":1,"version":0}]';
  const text = `{"items":${items},"before":null,"seq":2,"version":0}`;
  const { inbox } = open({ environment: { ...tab, fetch: async () => ({ status: 200, text: async () => text }) } }, world);
  const view = inbox.view();
  await view.load();
  assert.deepEqual(view.items.map(({ raw }) => raw), ['{"n":12345678901234567890}', '"x, ]"']);
});

test("after close nothing is left to run", async () => {
  const { view, inbox, server, clock } = await shown(1);
  server.send({ ttl: 1_000 });
  await view.reload();
  await inbox.read(["k1"]);
  inbox.close();
  await settle();
  assert.ok(clock.idle);
  assert.equal(inbox.status.state, "closed");
});

test("a request that failed while connected is made again", async () => {
  const { view, server, give, clock } = await shown(1);
  server.send({ acked: true });
  server.refuse();
  give(server.state());
  await settle();
  assert.equal(view.fresh, 0);
  await clock.pass(2_000);
  assert.equal(view.fresh, 1);
});

test("a tab that follows has the same inbox", async () => {
  const { world, server, inbox, give } = await connected(2);
  give(server.send());
  const late = open({}, world, server);
  late.inbox.connect();
  await settle();
  assert.deepEqual(late.inbox.counts, inbox.counts);
  const view = late.inbox.view();
  await view.load();
  give(server.change("read", { keys: ["k1"] }));
  await settle();
  assert.ok(view.items[2].readAt);
  assert.deepEqual(late.inbox.counts, inbox.counts);
  assert.equal(world.sockets.length, 1);
});

test("what comes into a list of 10,000 costs no more than into a short one", async () => {
  const { view, server, give, inbox } = await connected(10_000).then(async (all) => {
    const made = all.inbox.view();
    while (made.more) await made.load();
    return { ...all, view: made };
  });
  const { items } = view;
  // Whatever copied or searched the list would touch all of it.
  let touched = 0;
  const watched = new Proxy(items[5_000], { get: (item, name) => (touched++, Reflect.get(item, name)) });
  items[5_000] = watched;
  for (let number = 0; number < 200; number++) give(server.send());
  await settle();
  assert.deepEqual([view.items, view.items.length, view.fresh, inbox.counts.unread], [items, 10_000, 200, 10_200]);
  assert.ok(touched <= 3 * 200, `${touched}`);
});

const NOTHING = { title: "", body: "", url: null, level: null, icon: null, image: null, actions: [], group: null };

for (const [payload, message] of [
  ["Hello", { ...NOTHING, body: "Hello" }],
  ["", null],
  [{ n: 1 }, null],
  [["a"], null],
  [7, null],
  [{ title: "T", level: "fatal", url: 7, icon: "", group: "g" }, { ...NOTHING, title: "T", group: "g" }],
  [{ body: "B", level: "error", image: "http://x/y.png" }, { ...NOTHING, body: "B", level: "error" }],
  [{ body: "B", image: "https://x/y.png" }, { ...NOTHING, body: "B", image: "https://x/y.png" }],
]) {
  test(`${JSON.stringify(payload)} as a message`, () => assert.deepEqual(asMessage(payload), message));
}

test("a message has at most three actions, each with a label, and an address or an event", () => {
  const actions = [
    { label: "Open", url: "/x", event: "never" },
    { label: "No" },
    null,
    { url: "/y" },
    { label: "Do", event: "do", style: "danger" },
    { label: "C", event: "c", style: "blink" },
    { label: "D", event: "d" },
  ];
  assert.deepEqual(asMessage({ title: "T", actions }).actions, [
    { label: "Open", url: "/x", event: null, style: "default" },
    { label: "Do", url: null, event: "do", style: "danger" },
    { label: "C", url: null, event: "c", style: "default" },
  ]);
});
