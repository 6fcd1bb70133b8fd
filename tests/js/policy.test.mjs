/** The client's pure decisions. */
import assert from "node:assert/strict";
import test from "node:test";

import { Backoff, blamed, verdict } from "../../static/notifier/backoff.js";
import { rawMember } from "../../static/notifier/frame.js";
import { Heartbeat } from "../../static/notifier/heartbeat.js";
import { ServerNotification } from "../../static/notifier/notification.js";
import { Ordering } from "../../static/notifier/ordering.js";
import { refreshIn } from "../../static/notifier/token.js";
import { frame, jwt } from "./world.mjs";

const notification = (seq, key) => {
  const fields = frame(seq, { n: seq }, key);
  return new ServerNotification(JSON.stringify(fields), fields, () => {});
};
const seqs = (notifications) => notifications.map(({ seq }) => seq);

test("close codes say whether and how to come back", () => {
  assert.equal(verdict(4403), "stop");
  assert.equal(verdict(4401), "renew");
  for (const code of [1001, 1012]) assert.equal(verdict(code), "soon");
  for (const code of [1000, 1002, 1006, 1007, 1008, 1009, 1011, 4999]) assert.equal(verdict(code), "wait");
});

test("close codes say whether what we sent was the cause", () => {
  for (const code of [1002, 1007, 1008, 1009]) assert.ok(blamed(code));
  for (const code of [1000, 1001, 1006, 1011, 1012, 4401, 4403]) assert.ok(!blamed(code));
});

test("back-off doubles its window up to the cap", () => {
  const backoff = new Backoff({ base: 1_000, cap: 30_000, random: () => 1 });
  const delays = Array.from({ length: 7 }, () => backoff.next("wait"));
  assert.deepEqual(delays, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("back-off is anything within its window", () => {
  for (const random of [0, 0.25, 0.999]) {
    assert.equal(new Backoff({ base: 1_000, random: () => random }).next("soon"), Math.round(random * 1_000));
  }
});

test("a server that moves is followed sooner than one that fails", () => {
  const policy = { random: () => 1 };
  assert.ok(new Backoff(policy).next("soon") < new Backoff(policy).next("wait"));
});

test("a server that moves has worked: what failed before is forgiven, moves in a row are not", () => {
  const backoff = new Backoff({ base: 1_000, cap: 5_000, random: () => 1 });
  for (let failure = 0; failure < 5; failure++) backoff.next("wait");
  const delays = ["soon", "wait", "wait", "soon", "wait", "soon", "soon"].map((reason) => backoff.next(reason));
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 2_000, 2_000, 4_000, 5_000]);
  backoff.reset();
  assert.equal(backoff.next("soon"), 1_000);
});

test("an expired token is replaced at once, but not in a loop", () => {
  const backoff = new Backoff({ random: () => 1 });
  assert.equal(backoff.next("renew"), 0);
  assert.ok(backoff.next("renew") > 0);
});

test("back-off starts again after a reset", () => {
  const backoff = new Backoff({ random: () => 1 });
  const first = backoff.next("wait");
  backoff.next("wait");
  backoff.reset();
  assert.equal(backoff.next("wait"), first);
});

test("each key is passed on once", () => {
  const ordering = new Ordering();
  assert.deepEqual(seqs(ordering.accept(notification(1))), [1]);
  assert.deepEqual(seqs(ordering.accept(notification(1))), []);
  assert.deepEqual(seqs(ordering.accept(notification(2, "k1"))), []);
});

test("the oldest keys are forgotten, so that memory is bounded", () => {
  const ordering = new Ordering(3);
  for (let seq = 1; seq <= 5; seq++) ordering.accept(notification(seq));
  assert.deepEqual(["k1", "k2", "k3", "k4", "k5"].map((key) => ordering.has(key)), [false, false, true, true, true]);
});

test("what overtook waits for what it overtook", () => {
  const ordering = new Ordering();
  ordering.accept(notification(1));
  assert.deepEqual(seqs(ordering.accept(notification(4))), []);
  assert.deepEqual(seqs(ordering.accept(notification(3))), []);
  assert.ok(ordering.waiting);
  assert.deepEqual(seqs(ordering.accept(notification(2))), [2, 3, 4]);
  assert.ok(!ordering.waiting);
});

test("a gap that stays is given up, in order", () => {
  const ordering = new Ordering();
  ordering.accept(notification(1));
  ordering.accept(notification(9));
  ordering.accept(notification(5));
  assert.deepEqual(seqs(ordering.flush()), [5, 9]);
  assert.deepEqual(seqs(ordering.accept(notification(10))), [10]);
});

test("what comes too late for its place is passed on all the same", () => {
  const ordering = new Ordering();
  ordering.accept(notification(7));
  assert.deepEqual(seqs(ordering.accept(notification(3))), [3]);
  assert.deepEqual(seqs(ordering.accept(notification(8))), [8]);
});

test("any arrival order of a log comes out whole and, after a flush, once each", () => {
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  for (let round = 0; round < 200; round++) {
    const ordering = new Ordering();
    const log = Array.from({ length: 12 }, (_, index) => index + 1);
    const arrivals = [...log, ...log.filter(() => random() < 0.3)].sort(() => random() - 0.5);
    const out = arrivals.flatMap((seq) => seqs(ordering.accept(notification(seq))));
    out.push(...seqs(ordering.flush()));
    assert.deepEqual(out.toSorted((a, b) => a - b), log);
  }
});

test("a quiet line is asked, and an answer calms", () => {
  const heartbeat = new Heartbeat({ interval: 100, timeout: 20 });
  heartbeat.heard(0);
  assert.equal(heartbeat.check(99), "wait");
  assert.equal(heartbeat.due(0), 100);
  assert.equal(heartbeat.check(100), "ping");
  heartbeat.asked(100);
  assert.equal(heartbeat.check(119), "wait");
  assert.equal(heartbeat.due(105), 15);
  heartbeat.heard(110);
  assert.equal(heartbeat.check(130), "wait");
});

test("a line that doesn't answer is dead", () => {
  const heartbeat = new Heartbeat({ interval: 100, timeout: 20 });
  heartbeat.heard(0);
  heartbeat.asked(100);
  heartbeat.asked(115);
  assert.equal(heartbeat.check(120), "dead");
});

test("after a sleep the line is asked again before it is given up", () => {
  const heartbeat = new Heartbeat({ interval: 100, timeout: 20 });
  heartbeat.heard(0);
  heartbeat.asked(100);
  assert.equal(heartbeat.check(100_000), "ping");
  heartbeat.asked(100_000);
  assert.equal(heartbeat.check(100_020), "dead");
});

test("a member's raw text is cut out as it was sent", () => {
  const values = [
    "12345678901234567890",
    "1.10",
    '{"b":1.0,"a":[1e400,{"value":2}]}',
    '"a \\"quoted\\" }],{ \\u0061 \\\\"',
    "[]",
    "true",
    '" "',
  ];
  for (const value of values) {
    const text = `{"type":"server_notification","key":"value","value": ${value} ,"seq":1}`;
    assert.equal(rawMember(text, "value"), value);
    assert.equal(rawMember(`{"value":${value}}`, "value"), value);
  }
  assert.equal(rawMember('{"a":{"value":1}}', "value"), undefined);
  assert.equal(rawMember('{"va\\u006cue":1}', "value"), "1");
});

test("a notification keeps big numbers in its raw text", () => {
  const text = '{"type":"server_notification","key":"k","value":{"n":12345678901234567890},"seq":3}';
  const big = new ServerNotification(text, JSON.parse(text), () => {});
  assert.equal(big.raw, '{"n":12345678901234567890}');
});

test("a token is replaced a minute, or a fifth of its life, before it expires", () => {
  const now = 1_700_000_000_000;
  assert.equal(refreshIn(jwt(now, 3_600), now), 3_540_000);
  assert.equal(refreshIn(jwt(now, 5), now), 4_000);
  assert.equal(refreshIn(jwt(now - 3_000_000, 3_600), now), 540_000);
});

test("a wrong clock leads neither to a refresh loop nor to an expired token", () => {
  const now = 1_700_000_000_000;
  for (const skew of [-86_400_000, 86_400_000]) {
    assert.equal(refreshIn(jwt(now, 3_600), now + skew), 3_540_000);
  }
});

test("a token whose claims can't be read is kept until the server refuses it", () => {
  assert.equal(refreshIn("opaque", 0), Infinity);
  assert.equal(refreshIn("a.!!!.c", 0), Infinity);
});
