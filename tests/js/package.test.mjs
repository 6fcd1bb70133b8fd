/** The client as people install it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../../static/", import.meta.url));

/** What the package offers. */
const parts = ["notifier", "notifier-inbox", "notifier-bell"];
const entries = parts.map((part) => `${part}.js`);
const types = parts.map((part) => `${part}.d.ts`);

/** What names the modules of a folder, because they are fetched with it. */
const NAMING = {
  notifier: "notifier.js",
  "notifier/inbox": "notifier-inbox.js",
  "notifier/bell": "notifier-bell.js",
  "notifier/bell/screen": "notifier/bell/screen/screen.js",
};
const modules = {};
for (const place of Object.keys(NAMING)) {
  const names = await readdir(folder + place);
  modules[place] = names.filter((name) => name.endsWith(".js")).map((name) => `${place}/${name}`);
}
const inner = Object.values(modules).flat();
/** Fetched one by one, by those who speak it or ask for it. */
const ON_DEMAND = ["words.ru", "badges", "sound"].map((name) => `notifier/bell/${name}.js`);

const ANY = /(?:from|import)[ (]"([^"]+)"/g;
const AT_ONCE = /^(?:import|export) (?:[^"(]* from )?"([^"]+)"/gm;

/** The files that one of ours imports, for its code or for its types. */
async function imports(file, which = ANY) {
  const source = await readFile(folder + file, "utf8");
  const found = source.matchAll(which);
  return [...found].map(([, path]) => posix.join(posix.dirname(file), path));
}

test("npm installs the modules, their types, and nothing of the page; the entries alone can be imported", async (t) => {
  const app = await mkdtemp(join(tmpdir(), "app-"));
  t.after(() => rm(app, { recursive: true }));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", app], { cwd: folder });
  const [{ filename, files }] = JSON.parse(stdout);
  assert.deepEqual(
    files.map(({ path }) => path).toSorted(),
    [...types, ...entries, ...inner, "package.json"].toSorted(),
  );

  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--prefix", app, join(app, filename)]);
  const script = `
    const names = [];
    for (const entry of ["", "/inbox", "/bell"]) names.push(...Object.keys(await import("notifier-client" + entry)));
    const { code } = await import("notifier-client/notifier/client.js").catch((error) => error);
    console.log(JSON.stringify({ names, code }));
  `;
  const program = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: app });
  assert.deepEqual(JSON.parse(program.stdout), {
    names: ["NotifierClient", "Inbox", "InboxError", "NotifierBell"],
    code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
  });
});

test("what is fetched in one step is named in one place, so that it is fetched side by side", async () => {
  for (const [place, own] of Object.entries(modules)) {
    const naming = NAMING[place];
    const named = [naming, ...(await imports(naming, AT_ONCE))];
    const missing = own.filter((module) => !named.includes(module) && !ON_DEMAND.includes(module));
    assert.deepEqual(missing, []);
  }
});

test("before anybody opens the bell, the client is fetched and what the button needs, and no more", async () => {
  const named = await imports("notifier-bell.js", AT_ONCE);
  const fetched = new Set(["notifier-bell.js"]);
  for (const file of fetched) for (const other of await imports(file, AT_ONCE)) fetched.add(other);
  const late = [...fetched].filter((file) => !file.startsWith("notifier/bell/") && !modules.notifier.includes(file) && !named.includes(file));
  assert.deepEqual(late, ["notifier-bell.js"]);
  assert.deepEqual([...fetched].filter((file) => file.includes("/screen/") || ON_DEMAND.includes(file)), []);
  assert.ok(!fetched.has("notifier/inbox/inbox.js"));
});

test("the modules need nothing but each other, in one direction, and none is left over", async () => {
  const needs = new Map();
  for (const file of [...types, ...entries, ...inner]) needs.set(file, await imports(file));
  const needed = new Set([...needs.values()].flat());
  const used = new Set([...needed, ...entries, ...types]);
  assert.deepEqual([...used].toSorted(), [...needs.keys()].toSorted());
  const of = async (place) => (await Promise.all(modules[place].map((file) => imports(file)))).flat();
  assert.ok(!(await of("notifier")).some((path) => /inbox|bell/.test(path)), "the client needs nothing of the inbox");
  assert.ok(!(await of("notifier/inbox")).some((path) => path.includes("bell")), "the inbox needs no bell");
  while (needs.size) {
    const free = [...needs].filter(([, others]) => !others.some((other) => needs.has(other)));
    assert.ok(free.length, `they need each other: ${[...needs.keys()]}`);
    for (const [file] of free) needs.delete(file);
  }
});

const PUBLISHED = {
  notifier: [
    "Environment",
    "Events",
    "InboxChange",
    "InboxChanged",
    "InboxState",
    "NotificationWithdrawn",
    "Options",
    "Priority",
    "ServerNotification",
    "Socket",
    "State",
    "Status",
  ],
  "notifier-inbox": [
    "Action",
    "Changed",
    "Counts",
    "Filter",
    "InboxEvents",
    "InboxOptions",
    "Item",
    "Level",
    "Message",
    "View",
    "ViewEvents",
  ],
  "notifier-bell": ["BellEvents", "Words"],
};

for (const [entry, published] of Object.entries(PUBLISHED)) {
  test(`the types of ${entry} publish what an app uses, and nothing else`, async () => {
    const types = await readFile(`${folder}${entry}.d.ts`, "utf8");
    const named = (kinds) => [...types.matchAll(new RegExp(`^export (?:${kinds}) (\\w+)`, "gm"))].map(([, name]) => name);
    const exported = Object.keys(await import(`../../static/${entry}.js`));
    assert.deepEqual(named("declare \\w+").toSorted(), exported.toSorted());
    assert.deepEqual(named("interface|type").toSorted(), published);
  });
}
