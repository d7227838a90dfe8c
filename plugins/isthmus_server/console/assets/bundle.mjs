// Bundles what the console's pages run: `node bundle.mjs OUT`, where `npm ci` has been run.
//
//   console.js    -> OUT/console.js    one script, with htmx and CodeMirror in it
//   what went in  -> OUT/manifest.json, OUT/NOTICE
import * as esbuild from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [out] = process.argv.slice(2);
const LICENSES = ["LICENSE", "LICENSE.md", "LICENSE.txt"];

const built = await esbuild.build({
  entryPoints: ["console.js"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  logLevel: "error",
});

/** The packages that something of is in the bundle, by their directories. */
const directories = new Set();
for (const file of Object.keys(built.metafile.inputs)) {
  const found = /^node_modules\/(@[^/]+\/[^/]+|[^/]+)\//.exec(file);
  if (found) directories.add(join("node_modules", found[1]));
}
const packages = [];
let notice = "";
for (const directory of [...directories].sort()) {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  packages.push({ name, version, license });
  const file = LICENSES.find((each) => existsSync(join(directory, each)));
  const text = file ? readFileSync(join(directory, file), "utf8").trim() : "";
  notice += `${name} ${version} (${license})\n\n${text}\n\n\n`;
}
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "NOTICE"), notice);
const files = readdirSync(out).filter((name) => name.endsWith(".js"));
writeFileSync(join(out, "manifest.json"), JSON.stringify({ files, packages }, null, 1));
