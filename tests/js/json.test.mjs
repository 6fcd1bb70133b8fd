/** JSON shown and checked as text. */
import assert from "node:assert/strict";
import test from "node:test";

import { fault, flat, pretty } from "../../static/page/shared/json.js";

const shown = (text) => [...pretty(text)].map((piece) => piece.text).join("");

test("numbers are shown as they were sent", () => {
  for (const number of ["12345678901234567890", "1.10", "-0", "1e400", "1E+2", "0.30000000000000000001"]) {
    assert.equal(shown(number), number);
    assert.equal(shown(`{"n":${number}}`), `{"n": ${number}}`);
  }
});

test("what is short stays on one line, what is long is indented", () => {
  assert.equal(shown('{ "a":[1,2,{"b":null}] ,"c":{} }'), '{"a": [1, 2, {"b": null}], "c": {}}');
  const long = "x".repeat(60);
  assert.equal(
    shown(`{"a":"${long}","b":[1,[]],"c":["${long}",true]}`),
    `{\n  "a": "${long}",\n  "b": [1, []],\n  "c": [\n    "${long}",\n    true\n  ]\n}`,
  );
});

test("order and repeated names survive", () => {
  assert.equal(shown('{"b":1,"a":2,"b":3,"1":4}'), '{"b": 1, "a": 2, "b": 3, "1": 4}');
});

test("escapes become letters, unless they would deceive or break the text", () => {
  assert.equal(shown('"\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442 \\ud83d\\udc4d"'), '"Привет 👍"');
  assert.equal(shown('"a\\nb\\"c\\\\"'), '"a\\nb\\"c\\\\"');
  assert.equal(shown('"\u202e\u200b"'), '"\\u202e\\u200b"');
  assert.equal(shown('"\\ud800"'), '"\\ud800"');
  assert.equal(shown('"👨‍👩‍👧"'), '"👨‍👩‍👧"');
});

test("pieces say what they are", () => {
  const kinds = [...pretty('{"k":["s",1,null]}')].map(({ kind, text }) => `${kind} ${text}`);
  assert.deepEqual(kinds, [
    "punctuation {",
    "key \"k\"",
    "punctuation : ",
    "punctuation [",
    "string \"s\"",
    "punctuation ,",
    "space  ",
    "number 1",
    "punctuation ,",
    "space  ",
    "word null",
    "punctuation ]",
    "punctuation }",
  ]);
});

test("an indented text means the same as the original", () => {
  const values = [{ a: [1, { b: [[], {}, [[2]]] }], "ключ": "x".repeat(100) }, [["y".repeat(80)], "z".repeat(70)]];
  for (const value of values) assert.deepEqual(JSON.parse(shown(JSON.stringify(value))), value);
});

test("the beginning of a long text is made without its end", () => {
  const beginning = '[{"a":1},{"list":[' + "1,".repeat(100);
  const pieces = pretty(beginning);
  const lines = Array.from({ length: 12 }, () => pieces.next().value.text);
  assert.equal(lines.join(""), '[\n  {"a": 1},\n  {\n    "list"');
});

test("several texts can be made at the same time", () => {
  const [one, other] = ["[1,2]", '{"a":"b"}'].map(pretty);
  const turns = Array.from({ length: 6 }, () => [one.next().value?.text, other.next().value?.text]);
  assert.equal(turns.map(([text]) => text).join(""), "[1, 2]");
  assert.equal(turns.map(([, text]) => text ?? "").join(""), '{"a": "b"}');
});

test("on one line stands what each line of the indented text says", () => {
  const long = "x".repeat(60);
  const texts = [`{"a":"${long}" , "\\u0431":[1,[],{"c":-0}],"d":["${long}",true]}`, "[[],{}]", '"\\"q\\""'];
  for (const text of texts) {
    const line = [...flat(text)].join("");
    for (const part of shown(text).split("\n")) assert.ok(line.includes(part.trim()), part);
    assert.deepEqual(JSON.parse(line), JSON.parse(text));
  }
});

test("a text of megabytes and of great depth is no problem", () => {
  const long = JSON.stringify({ text: "long \\ \"text\" ".repeat(200_000), list: Array(50_000).fill(1.5) });
  assert.equal(fault(long), null);
  assert.deepEqual(JSON.parse(shown(long)), JSON.parse(long));
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  assert.equal(fault(deep), null);
  assert.equal(shown(deep.slice(0, 3) + "]]]"), "[[[]]]");
});

const good = ["1", " {} ", "[]", '{"a":[{"b":null},true,-1.5e-3,"\\u00e9"]}', "\n[1,\t2]\r\n", '"тест"'];
for (const text of good) {
  test(`no fault in ${JSON.stringify(text)}`, () => {
    assert.equal(fault(text), null);
    JSON.parse(text);
  });
}

const bad = [
  ["", 1, 1, "value"],
  ["   ", 1, 4, "value"],
  ["{", 1, 2, "key"],
  ["[1,]", 1, 4, "value"],
  ['{"a":1,}', 1, 8, "key"],
  ["{'a':1}", 1, 2, "key"],
  ["{a:1}", 1, 2, "key"],
  ['{"a" 1}', 1, 6, "colon"],
  ['{"a":}', 1, 6, "value"],
  ['{"a":1 "b":2}', 1, 8, "comma"],
  ['{\n  "a": 1,\n  "b": tru\n}', 3, 8, "value"],
  ["[1}", 1, 3, "comma"],
  ["[01]", 1, 3, "comma"],
  ["[1.]", 1, 3, "comma"],
  ["{} {}", 1, 4, "end"],
  ["1]", 1, 2, "end"],
  ['"open', 1, 1, "string"],
  ['["\\x"]', 1, 2, "string"],
  ['{"a', 1, 2, "string"],
  ['["a\nb"]', 1, 2, "string"],
  ["NaN", 1, 1, "value"],
  ["undefined", 1, 1, "value"],
  ["[1", 1, 3, "comma"],
  ['"👍" x', 1, 5, "end"],
];
for (const [text, line, column, what] of bad) {
  test(`the fault in ${JSON.stringify(text)} is found`, () => {
    assert.throws(() => JSON.parse(text));
    assert.deepEqual(fault(text), { line, column, what });
  });
}

test("agrees with JSON.parse about thousands of broken texts", () => {
  const origin = '{"a": [1.5e3, -2, "x\\n\\u0041", {"b": null, "c": [true, false, []]}], "d": ""}';
  const alphabet = [..."{}[],:\"\\ 0123.eE+-tfn'a\n"];
  let seed = 7;
  const random = (below) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let round = 0; round < 5_000; round++) {
    const at = random(origin.length);
    const insert = random(2) ? alphabet[random(alphabet.length)] : "";
    const text = origin.slice(0, at) + insert + origin.slice(at + random(3));
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    assert.equal(fault(text) === null, valid, text);
  }
});
