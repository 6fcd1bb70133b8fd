/**
 * The npm package's modules as one file each, minified: `node deploy/package.mjs FOLDER`.
 *
 * Writes notifier.min.js, notifier-inbox.min.js and notifier-bell.min.js, and what they fetch on
 * demand beside them, into FOLDER, and prints the size of each in bytes: as it is, and by brotli.
 */
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TARGET = "es2022";

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
      build.onLoad({ filter: /bell[/\\]styles\.js$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const [, css] = sheet.exec(source);
        const { code } = await transform(css, { loader: "css", minify: true });
        return { contents: source.replace(sheet, () => JSON.stringify(code.trim())), loader: "js" };
      });
    },
  };
}

/** Bundle into a folder. @param {string} folder */
async function bundle(folder) {
  const tool = await esbuild();
  const shared = { bundle: true, minify: true, format: "esm", target: TARGET, logLevel: "error", plugins: [withStyles(tool)] };
  for (const name of ["notifier", "notifier-inbox", "notifier-bell"]) {
    await tool.build({
      ...shared,
      entryPoints: { [`${name}.min`]: join(ROOT, "static", `${name}.js`) },
      outdir: folder,
      splitting: true,
      chunkNames: "notifier-[name]-[hash]",
    });
  }
}

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("Usage: node deploy/package.mjs FOLDER");
await bundle(folder);
for (const name of (await readdir(folder)).filter((file) => file.endsWith(".js"))) {
  const content = await readFile(join(folder, name));
  console.log(`${name} ${content.length} ${brotliCompressSync(content).length}`);
}
