/**
 * The npm package's modules as one file each, minified: `node deploy/package.mjs FOLDER`.
 *
 * Writes notifier.min.js, notifier-inbox.min.js and notifier-bell.min.js, and what they share or
 * fetch on demand beside them, into FOLDER. Prints bytes, minified and by brotli: of each file, and
 * of all that a page fetches.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TARGET = "es2022";
/** Fetched by those who speak it, so that it doesn't count. */
const LANGUAGE = /words\.\w+-\w+\.js$/;

/** @returns {Promise<typeof import("esbuild")>} the one that the tests' tools bring */
async function esbuild() {
  const require = createRequire(join(ROOT, "tests/browser/package.json"));
  return (await import(pathToFileURL(require.resolve("esbuild")).href)).default;
}

/** A style sheet inside a module is minified, too. */
function withStyles({ transform }) {
  const sheet = /`(\n[^`]*)`/;
  return {
    name: "styles",
    setup(build) {
      build.onLoad({ filter: /[/\\]styles\.js$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const [, css] = sheet.exec(source);
        const { code } = await transform(css, { loader: "css", minify: true });
        return { contents: source.replace(sheet, () => JSON.stringify(code.trim())), loader: "js" };
      });
    },
  };
}

/** An entry as a file. @returns the files that a page fetches for it: at `first`, and `all` in the end */
async function bundle(tool, name, folder) {
  const { metafile } = await tool.build({
    entryPoints: { [`${name}.min`]: join(ROOT, "static", `${name}.js`) },
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: TARGET,
    charset: "utf8",
    chunkNames: "notifier-[name]-[hash]",
    metafile: true,
    logLevel: "error",
    plugins: [withStyles(tool)],
  });
  const all = Object.keys(metafile.outputs);
  const first = new Set(all.filter((path) => basename(path) === `${name}.min.js`));
  for (const path of first) {
    for (const { kind, path: other } of metafile.outputs[path].imports) if (kind === "import-statement") first.add(other);
  }
  return { first: [...first], all };
}

/** Bytes of files: minified, and by brotli. */
async function sizes(paths) {
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
  return [sum(contents.map(({ length }) => length)), sum(contents.map((content) => brotliCompressSync(content).length))];
}

async function say(what, paths) {
  const [minified, compressed] = await sizes(paths);
  console.log(what.padEnd(40), String(minified).padStart(8), String(compressed).padStart(8));
}

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("Usage: node deploy/package.mjs FOLDER");
const tool = await esbuild();
const client = await bundle(tool, "notifier", folder);
const inbox = await bundle(tool, "notifier-inbox", folder);
const bell = await bundle(tool, "notifier-bell", folder);
console.log("file".padEnd(40), "minified", "  brotli");
for (const path of new Set([client, inbox, bell].flatMap(({ all }) => all))) await say(basename(path), [path]);
console.log();
await say("client", client.all);
await say("client and inbox", inbox.all);
await say("client, inbox and bell: before it opens", bell.first);
await say("client, inbox and bell: all", bell.all.filter((path) => !LANGUAGE.test(path)));
