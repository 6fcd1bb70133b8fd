/** Parts of the page that need no browser. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

Object.defineProperty(globalThis, "navigator", { value: { language: "en-GB" }, configurable: true });
globalThis.location = /** @type {any} */ ({ origin: "https://notify.example" });
globalThis.document = /** @type {any} */ ({ baseURI: "https://notify.example/" });
const { pictureAddress } = await import("../../static/notifier/bell/screen/link.js");
const { webAddress } = await import("../../static/notifier/inbox/address.js");
const { Entry, headline } = await import("../../static/page/inbox/entry.js");
const { rowsOf } = await import("../../static/notifier/bell/screen/rows.js");
const { later } = await import("../../static/notifier/bell/screen/time.js");
const { asMessage } = await import("../../static/notifier/inbox/message.js");
const { ago, exact } = await import("../../static/page/shared/time.js");
const { ceiling } = await import("../../static/page/tools/plot.js");
const english = (await import("../../static/page/shared/words.js")).default;
const russian = (await import("../../static/page/shared/words.ru.js")).default;

const entry = (raw, seq = 1) =>
  new Entry({ key: "k", seq, raw, message: asMessage(JSON.parse(raw)), createdAt: new Date(0) });

test("an address is read as a page would read it", () => {
  const page = "https://notify.example/";
  const addresses = {
    "HTTP://Example.org": "http://example.org/",
    "https://example.org/a?b#c": "https://example.org/a?b#c",
    "/orders/7?a=b#c": "https://notify.example/orders/7?a=b#c",
    "orders/7": "https://notify.example/orders/7",
    "../..": "https://notify.example/",
    "//other.example/x": "https://other.example/x",
    "https:\\\\other.example": "https://other.example/",
  };
  for (const [url, href] of Object.entries(addresses)) assert.equal(webAddress(url, page)?.href, href);
  assert.equal(webAddress("7", `${page}orders/6`)?.href, `${page}orders/7`);
});

test("what is no plain web address is a text, never a link", () => {
  const unsafe = ["javascript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "blob:https://x/1"];
  unsafe.push("https://", "https://bank@evil.example/", "//bank:x@evil.example", "mailto:a@example.org", "ftp://example.org", " ");
  for (const url of unsafe) assert.equal(webAddress(url, "https://notify.example"), null, url);
  for (const value of [null, undefined, 7, {}]) assert.equal(webAddress(value, "https://notify.example"), null);
});

test("a picture comes over https, or from this server", () => {
  const fetched = { "https://img.example/1": true, "/static/icon.svg": true, "http://img.example/1": false, "data:image/png,": false };
  for (const [address, wanted] of Object.entries(fetched)) assert.equal(pictureAddress(address) !== null, wanted, address);
});

test("a group is one row where its newest stands, and all of it when it is unfolded", () => {
  const items = ["a", "", "a", "b"].map((group, index) => {
    const message = group ? { group } : null;
    return /** @type {any} */ ({ key: `k${index}`, message, createdAt: new Date(0) });
  });
  const shown = (unfolded) => rowsOf(items, new Set(unfolded)).map((row) => [row.group, row.inner, row.items.map(({ key }) => key).join()]);
  const rest = [[null, false, "k1"], [null, false, "k3"]];
  assert.deepEqual(shown([]), [["folded", false, "k0,k2"], ...rest]);
  const all = [["unfolded", false, "k0,k2"], [null, true, "k0"], [null, true, "k2"]];
  assert.deepEqual(shown(["group a"]), [...all, ...rest]);
});

test("a payload of nothing but spaces is JSON", () => {
  for (const value of ["", " \n", { title: " " }, { title: "", body: "\n" }]) assert.equal(asMessage(value), null, JSON.stringify(value));
});

test("the filter finds what is shown, whatever its case and however it was escaped", () => {
  assert.ok(entry('{"a":"\\u041f\\u0440\\u0438\\u0432\\u0435\\u0442"}').contains("привет"));
  assert.ok(entry('{"n":1.10}').contains("1.10"));
  assert.ok(!entry('{"a":1}').contains("b"));
});

test("the filter finds a message as it reads, and what only its JSON says", () => {
  const message = entry('{"title":"T","body":"say \\"hi\\"\\nTwo","order":{"n":[7, 8]}}');
  for (const found of ['say "hi"', "\ntwo", "t\nsay", '"n": [7, 8]']) assert.ok(message.contains(found), found);
});

test("an entry gets ready for the filter in short steps", () => {
  const long = entry(JSON.stringify(Array.from({ length: 1_000 }, (_, number) => ({ number }))));
  assert.equal(long.searchable, false);
  assert.ok([...long.prepare()].length > 5);
  assert.equal(long.searchable, true);
  for (let number = 0; number < 1_000; number++) assert.ok(long.contains(`{"number": ${number}}`));
});

test("a headline is the title, or else the first words", () => {
  const headlines = ['{"title":"T","body":"B"}', '{"body":"\\n One\\nTwo"}', '"plain"', "[1]", JSON.stringify("x".repeat(9_999))];
  const [titled, body, plain, json, long] = headlines.map((raw) => headline(entry(raw).item));
  assert.deepEqual([titled, body, plain, json], ["T", "One", "plain", "Notification"]);
  assert.ok(long.length < 500);
});

test("snoozing offers what lies ahead, in the order of the clock", () => {
  const offered = (hour) => later(new Date(2026, 0, 10, hour)).map(([name]) => name);
  assert.deepEqual(offered(10), ["hour", "evening", "tomorrow", "week"]);
  assert.deepEqual(offered(20), ["hour", "tomorrow", "week"]);
  for (let day = 10; day < 17; day++) {
    const now = new Date(2026, 0, day, 8);
    const times = later(now).map(([, until]) => until.getTime());
    assert.ok(times.every((time) => time > now.getTime()));
    const [, until] = later(now).at(-1);
    assert.deepEqual([until.getDay(), until.getHours()], [1, 9]);
  }
});

test("ages are told in words", () => {
  const now = Date.UTC(2026, 0, 10, 12);
  const before = (seconds) => ago(new Date(now - seconds * 1_000), now);
  assert.equal(before(-30), "just now");
  assert.equal(before(59), "just now");
  assert.match(before(61), /^1 min/);
  assert.match(before(7_200), /^2 hr/);
  assert.equal(before(86_400), "yesterday");
});

test("an exact time has a date unless it is today's", () => {
  const noon = new Date(2026, 0, 10, 12);
  assert.doesNotMatch(exact(new Date(2026, 0, 10, 11), noon), /2026/);
  assert.match(exact(new Date(2026, 0, 9, 11), noon), /2026/);
});

test("the plot's scale moves in round steps", () => {
  assert.deepEqual([1, 1.5, 3, 7, 10, 11, 480].map(ceiling), [1, 2, 5, 10, 10, 20, 500]);
});

test("both languages have the same words, of the same kind", () => {
  const shape = (words) => Object.entries(words).map(([name, word]) => `${name} ${typeof word}`);
  assert.deepEqual(shape(russian).toSorted(), shape(english).toSorted());
  for (const group of ["jsonFaults", "levels", "shortcuts", "done", "snoozeUntil", "priorities"]) {
    assert.deepEqual(shape(russian[group]), shape(english[group]));
  }
});

test("Russian counts in three forms", () => {
  assert.deepEqual([1, 3, 5, 21].map(russian.fresh), [
    "1 новое уведомление",
    "3 новых уведомления",
    "5 новых уведомлений",
    "21 новое уведомление",
  ]);
});

test("every word that the page's HTML asks for exists", async () => {
  const html = await readFile(new URL("../../static/index.html", import.meta.url), "utf8");
  for (const [, name] of html.matchAll(/data-word(?:-label|-placeholder)?="(\w+)"/g)) {
    assert.equal(typeof english[name], "string", name);
  }
});

test("the HTML names each module that a screen imports, so that none is found late", async () => {
  const html = await readFile(new URL("index.html", ROOT), "utf8");
  const [first, inbox, admin, account] = html.split(/<template id="(?:inbox|admin|account)-modules">/).map(modules);
  assert.deepEqual(first, [...(await imports("page/main.js"))].toSorted());
  const shown = await imports("page/inbox/screen.js");
  assert.deepEqual(inbox, [...shown.difference(new Set(first))].toSorted());
  // A superuser's inbox has these already.
  const tools = (await imports("page/tools/tools.js")).union(await imports("page/admin/areas.js"));
  const views = (await imports("page/admin/views.js")).difference(shown.union(tools).union(new Set(first)));
  assert.deepEqual(admin, [...views].toSorted());
  const own = (await imports("page/account/dialog.js")).difference(shown.union(new Set(first)));
  assert.deepEqual(account, [...own].toSorted());
});

test("nothing for operators is among what everybody gets", async () => {
  const everybody = (await imports("page/main.js")).union(await imports("page/inbox/screen.js"));
  assert.deepEqual([...everybody].filter((name) => name.startsWith("page/admin/")), []);
});

const ROOT = new URL("../../static/", import.meta.url);
/** What is told of by name: of the client only its entry, which names the rest. */
const NAMED = /^(?:page\/.*|notifier-inbox)$/;

/** @param {string} html */
function modules(html) {
  const names = [...html.matchAll(/(?:href|src)="\/static\/([\w/-]+)\.js"/g)].map(([, name]) => name);
  return names.filter((name) => NAMED.test(name)).toSorted();
}

/** @param {string} start @returns {Promise<Set<string>>} */
async function imports(start) {
  const found = new Set([start.replace(".js", "")]);
  for (const name of found) {
    const file = new URL(`${name}.js`, ROOT);
    const source = await readFile(file, "utf8");
    for (const [, path] of source.matchAll(/^(?:import|\} from) .*?"([\w./-]+)\.js";$/gm)) {
      const imported = new URL(path, file).href.slice(ROOT.href.length);
      if (NAMED.test(imported)) found.add(imported);
    }
  }
  return found;
}
