/** notifier.js as people install it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../../static/", import.meta.url));

test("npm packs the module, its types, and nothing of the page", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json"], { cwd: folder });
  const [{ files }] = JSON.parse(stdout);
  assert.deepEqual(files.map(({ path }) => path).toSorted(), ["notifier.d.ts", "notifier.js", "package.json"]);
});

test("the module needs nothing but itself", async () => {
  const source = await readFile(`${folder}notifier.js`, "utf8");
  assert.doesNotMatch(source, /^\s*(import|export .* from)\s/m);
});

test("the types export what the module exports", async () => {
  const types = await readFile(`${folder}notifier.d.ts`, "utf8");
  const declared = [...types.matchAll(/^export declare (?:class|function) (\w+)/gm)].map(([, name]) => name);
  const exported = Object.keys(await import("../../static/notifier.js"));
  assert.deepEqual(declared.toSorted(), exported.toSorted());
});
