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
const inner = (await readdir(`${folder}notifier`)).toSorted().map((name) => `notifier/${name}`);

/** The files that one of ours imports, for its code or for its types. */
async function imports(file) {
  const source = await readFile(folder + file, "utf8");
  const found = source.matchAll(/(?:from|import)[ (]"([^"]+)"/g);
  return [...found].map(([, path]) => posix.join(posix.dirname(file), path));
}

test("npm installs the modules, their types, and nothing of the page; the entry alone can be imported", async (t) => {
  const app = await mkdtemp(join(tmpdir(), "app-"));
  t.after(() => rm(app, { recursive: true }));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", app], { cwd: folder });
  const [{ filename, files }] = JSON.parse(stdout);
  assert.deepEqual(files.map(({ path }) => path).toSorted(), ["notifier.d.ts", "notifier.js", ...inner, "package.json"]);

  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--prefix", app, join(app, filename)]);
  const script = `
    const names = Object.keys(await import("notifier-client"));
    const { code } = await import("notifier-client/notifier/client.js").catch((error) => error);
    console.log(JSON.stringify({ names, code }));
  `;
  const program = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: app });
  assert.deepEqual(JSON.parse(program.stdout), {
    names: ["NotifierClient"],
    code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
  });
});

test("the entry names every module, so that a browser fetches them side by side", async () => {
  assert.deepEqual((await imports("notifier.js")).toSorted(), inner);
});

test("the modules need nothing but each other, in one direction, and none is left over", async () => {
  const needs = new Map();
  for (const file of ["notifier.d.ts", ...inner]) needs.set(file, await imports(file));
  const needed = new Set([...needs.values()].flat());
  assert.deepEqual([...needed, "notifier/client.js"].toSorted(), [...needs.keys()].toSorted());
  while (needs.size) {
    const free = [...needs].filter(([, others]) => !others.some((other) => needs.has(other)));
    assert.ok(free.length, `they need each other: ${[...needs.keys()]}`);
    for (const [file] of free) needs.delete(file);
  }
});

test("the types publish what an app uses, and nothing else", async () => {
  const types = await readFile(`${folder}notifier.d.ts`, "utf8");
  const named = (kinds) => [...types.matchAll(new RegExp(`^export (?:${kinds}) (\\w+)`, "gm"))].map(([, name]) => name);
  assert.deepEqual(named("declare \\w+"), Object.keys(await import("../../static/notifier.js")));
  assert.deepEqual(named("interface|type").toSorted(), [
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
  ]);
});
