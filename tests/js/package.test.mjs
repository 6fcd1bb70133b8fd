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
const modules = async (where) =>
  (await readdir(folder + where)).filter((name) => name.endsWith(".js")).toSorted().map((name) => `${where}/${name}`);
const inner = await modules("notifier");
const inbox = await modules("notifier/inbox");
const TYPES = ["notifier-inbox.d.ts", "notifier.d.ts"];

/** The files that one of ours imports, for its code or for its types. */
async function imports(file) {
  const source = await readFile(folder + file, "utf8");
  const found = source.matchAll(/(?:from|import)[ (]"([^"]+)"/g);
  return [...found].map(([, path]) => posix.join(posix.dirname(file), path));
}

test("npm installs the modules, their types, and nothing of the page; the entries alone can be imported", async (t) => {
  const app = await mkdtemp(join(tmpdir(), "app-"));
  t.after(() => rm(app, { recursive: true }));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", app], { cwd: folder });
  const [{ filename, files }] = JSON.parse(stdout);
  const published = [...TYPES, "notifier.js", "notifier-inbox.js", ...inner, ...inbox, "package.json"];
  assert.deepEqual(files.map(({ path }) => path).toSorted(), published.toSorted());

  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--prefix", app, join(app, filename)]);
  const script = `
    const names = Object.keys(await import("notifier-client"));
    const { code } = await import("notifier-client/notifier/client.js").catch((error) => error);
    const ofInbox = Object.keys(await import("notifier-client/inbox"));
    console.log(JSON.stringify({ names, ofInbox, code }));
  `;
  const program = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: app });
  assert.deepEqual(JSON.parse(program.stdout), {
    names: ["NotifierClient"],
    ofInbox: ["Inbox", "InboxError"],
    code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
  });
});

test("an entry names every module, so that a browser fetches them side by side", async () => {
  assert.deepEqual((await imports("notifier.js")).toSorted(), inner);
  assert.deepEqual((await imports("notifier-inbox.js")).toSorted(), ["notifier.js", ...inbox].toSorted());
});

test("the modules need nothing but each other, in one direction, and none is left over", async () => {
  const needs = new Map();
  for (const file of [...TYPES, ...inner, ...inbox]) needs.set(file, await imports(file));
  const needed = new Set([...needs.values()].flat());
  assert.deepEqual([...needed, "notifier/inbox/inbox.js"].toSorted(), [...needs.keys()].toSorted());
  const upwards = (await Promise.all(inner.map(imports))).flat().filter((path) => path.includes("inbox"));
  assert.deepEqual(upwards, [], "the client needs nothing of the inbox");
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
