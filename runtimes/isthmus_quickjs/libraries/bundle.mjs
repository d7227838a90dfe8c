// Bundles the libraries: `node bundle.mjs OUT`, where `npm ci` has been run.
//
//   entries/NAME.js   -> OUT/NAME.js      a part: an expression, the function that its module is the body of
//   tables/NAME.mjs   -> OUT/NAME.json.gz a table of texts, of which the host hands out one at a time; what it names
//                                         `tables`, an object of them, becomes OUT/NAME/KEY.json.gz
//   what went in      -> OUT/manifest.json, OUT/NOTICE
//
// A part takes an object, prelude/libraries.js's, of which it reads those of GIVEN that its text names: what it does not
// need is not made for it.  `require` of one of Node's modules, and of isthmus:NAME, another part, is left to it.
import * as esbuild from "esbuild";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { CONDITIONS, PATCHES } from "./patches.mjs";
import { STAND_INS } from "./shims/index.mjs";
import { PARTS } from "./splits.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const GIVEN = [
  "require", "module", "exports", "process", "Buffer", "global", "table", "window", "self", "document", "navigator",
];

/** Files below a directory, as names relative to it without their suffix. */
function names(directory, suffix) {
  return readdirSync(join(HERE, directory), { recursive: true })
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length).split(sep).join("/"))
    .sort();
}

/** [part, file] of packages' files that are a part each: they are loaded when they are first asked for. */
function copies() {
  const found = [];
  for (const [directory, nameOf] of Object.entries(PARTS)) {
    for (const file of names(join("node_modules", directory), ".js")) {
      const name = nameOf(file);
      if (name) found.push([name, `node_modules/${directory}/${file}.js`]);
    }
  }
  return found;
}

/** Files that are a part each are that part where another file asks for them. */
function otherParts(entry, files) {
  return {
    name: "parts",
    setup(build) {
      build.onResolve({ filter: /./ }, async ({ kind, path, importer, namespace, pluginData, resolveDir }) => {
        if (!importer || pluginData === "parts" || namespace !== "file") return undefined;
        const found = await build.resolve(path, { importer, kind, namespace, pluginData: "parts", resolveDir });
        if (found.errors.length) return undefined; // said again, unless the package expects it
        const part = files.get(relative(HERE, found.path));
        return part && found.path !== join(HERE, entry) ? { path: `isthmus:${part}`, external: true } : found;
      });
    },
  };
}

/** Packages' sources, each changed in as few places as bundling them for a world without files and sockets takes. */
const patches = {
  name: "patches",
  setup(build) {
    build.onResolve({ filter: /^[\w-]+\/?$/ }, ({ importer, path }) => {
      const found = importer.includes("/node_modules/") ? STAND_INS[path] : undefined;
      if (found?.startsWith("isthmus:")) return { path: found, external: true };
      return found && { path: join(HERE, "shims", found) };
    });
    build.onResolve({ filter: /^\.\.\/moment$/ }, ({ importer }) =>
      (/moment\/locale\/[^/]+$/.test(importer) ? { path: join(HERE, "shims", "moment-locale.js") } : undefined));
    for (const [file, changes] of Object.entries(PATCHES)) {
      const escaped = file.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      build.onLoad({ filter: new RegExp(`/node_modules/${escaped}$`) }, ({ path }) => {
        let contents = readFileSync(path, "utf8");
        for (const [from, to] of changes) {
          const found = contents.split(from).length - 1;
          if (from.global ? found === 0 : found !== 1) throw new Error(`${file} has not once: ${from}`);
          contents = contents.replace(from, from.global ? to : () => to);
        }
        return { contents, loader: "js" };
      });
    }
  },
};

async function bundled(entry, files) {
  const { metafile, outputFiles: [{ text }] } = await esbuild.build({
    absWorkingDir: HERE,
    bundle: true,
    conditions: CONDITIONS[entry.split("/").at(-1)] ?? [],
    entryPoints: [entry],
    external: ["isthmus:*"],
    format: "cjs",
    legalComments: "none",
    logLevel: "error",
    metafile: true,
    minifySyntax: true, // names stay: of errors, some packages tell the kind by their class's
    minifyWhitespace: true,
    platform: "node",
    plugins: [patches, otherParts(entry, files)],
    target: "es2022",
    write: false,
  });
  const inputs = Object.keys(metafile.inputs).filter((path) => path.startsWith("node_modules/"));
  const given = GIVEN.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  const strict = text.startsWith('"use strict";') ? '"use strict";' : ""; // which no function has whose parameter is a pattern
  return { text: `(function(given$){${strict}var{${given}}=given$;${text}\n})`, packages: [...new Set(inputs.map(packageOf))].sort() };
}

/** The directory of the package that a file is of. */
function packageOf(path) {
  const at = path.lastIndexOf("node_modules/") + "node_modules/".length;
  const [scope, name] = path.slice(at).split("/");
  return path.slice(0, at) + (scope.startsWith("@") ? `${scope}/${name}` : scope);
}

function described(directory) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(HERE, directory, "package.json"), "utf8"));
  const texts = readdirSync(join(HERE, directory)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const said = license?.type ?? license ?? licenses?.map(({ type }) => type).join(" OR ") ?? "see its text";
  return { name, version, license: said, texts: texts.map((file) => readFileSync(join(HERE, directory, file), "utf8")) };
}

function notice(packages) {
  const rule = "=".repeat(80);
  const head = "The libraries in this directory are bundles of these packages from npm.\n";
  return [head, ...packages.map(({ name, version, license, texts }) =>
    `${rule}\n${name} ${version}\nlicense: ${license}\n${rule}\n\n${texts.join("\n").trim()}\n`)].join("\n");
}

/** [name, table] of all of them. */
async function allTables() {
  const found = [];
  for (const name of names("tables", ".mjs")) {
    const { default: table, tables } = await import(pathToFileURL(join(HERE, "tables", `${name}.mjs`)));
    if (table) found.push([name, table()]);
    for (const [key, each] of Object.entries(tables?.() ?? {})) found.push([`${name}/${key}`, each]);
  }
  return found;
}

function write(out, name, text) {
  mkdirSync(dirname(join(out, name)), { recursive: true });
  writeFileSync(join(out, name), text);
}

async function main(out) {
  const parts = {}, directories = new Set();
  const split = copies(), files = new Map(split.map(([name, file]) => [file, name]));
  const entries = [...names("entries", ".js").map((name) => [name, `entries/${name}.js`]), ...split];
  for (const [name, entry] of entries) {
    const { text, packages } = await bundled(entry, files);
    write(out, `${name}.js`, text);
    parts[name] = { bytes: Buffer.byteLength(text), packages: packages.map((directory) => described(directory).name) };
    packages.forEach((directory) => directories.add(directory));
  }
  const tables = {};
  for (const [name, table] of await allTables()) {
    const text = JSON.stringify(table);
    write(out, `${name}.json.gz`, gzipSync(text, { level: 9 }));
    tables[name] = { bytes: Buffer.byteLength(text) };
  }
  const packages = [...directories].sort().map(described);
  write(out, "NOTICE", notice(packages));
  const versions = packages.map(({ name, version, license }) => ({ name, version, license }));
  write(out, "manifest.json", JSON.stringify({ parts, tables, packages: versions }));
}

await main(relative("", process.argv[2]) || ".");
