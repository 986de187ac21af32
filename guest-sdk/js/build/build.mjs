// Builds the plugin in a folder into a component: bundles its module with the SDK and its packages, composes the world from
// what the module exports, and hands both to the engine's own builder.
//
//     node build.mjs --plugin DIR --sdk DIR --wit DIR --out FILE [--tools DIR] [--work DIR]
//
// The tools are those of package.json, installed by `npm ci` in the tools folder, which is this one unless said. Nothing is written
// but FILE and, in the work folder, the packages of plugins that have a lock file; without a work folder they have to be in the
// plugin's own `node_modules`. Errors go to standard error, and the exit code is then 1.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap, createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** What the entry module may export, by the interface that the host finds it under. */
const HANDLERS = {
  connect: "connect-handler",
  open: "handler",
  message: "handler",
  close: "handler",
  run: "worker",
  timer: "timer-handler",
  item: "channel-handler",
  migrate: "migration",
};

const ENTRIES = ["index.ts", "index.js", "index.mjs"];

/** What makes a component of a world and a module, by the engine that runs in it. */
const ENGINES = {
  async quickjs(tools) {
    const { componentize } = quickjsBinding(tools);
    // Without `sync` the component would need a host with the asynchronous part of the component model.
    return (witPath, jsSource) => componentize({ witPath, jsSource, sync: true });
  },
  async starlingmonkey(tools) {
    const { componentize } = await tool(join(tools, "starlingmonkey"), "@bytecodealliance/componentize-js/src/componentize.js");
    return (witPath, source) => {
      const sourcePath = join(witPath, "user.js");
      writeFileSync(sourcePath, source);
      return componentize({ sourcePath, witPath, disableFeatures: ["http", "fetch-event"] });
    };
  },
};

/** An error whose message is all that its reader needs. */
class Refused extends Error {}

/** The folders and the file of the command line, as full paths: the builders do not all take relative ones. */
function places() {
  const path = { type: "string" };
  const options = { plugin: path, sdk: path, wit: path, out: path, tools: path, work: path };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new Refused(error.message);
  }
  for (const name of ["plugin", "sdk", "wit", "out"]) {
    if (!values[name]) throw new Refused(`--${name} is missing`);
  }
  values.tools ??= dirname(fileURLToPath(import.meta.url));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resolve(value)]));
}

/** One of the tools that are installed in the tools folder, by the path of its module. */
async function tool(tools, path) {
  const file = join(tools, "node_modules", path);
  if (!existsSync(file)) throw new Refused(`${dirname(file)} is missing: run \`npm ci\` in ${tools}`);
  return import(pathToFileURL(file));
}

/**
 * The compiler of QuickJS components for this machine, of which npm has installed the one that fits. The package componentize-qjs would
 * do no more than load it, and cannot be locked: not all of its bindings are published in this version.
 */
function quickjsBinding(tools) {
  const folder = join(tools, "node_modules/@andreiltd");
  const [name] = existsSync(folder) ? readdirSync(folder) : [];
  if (!name) throw new Refused(`there is no compiler for QuickJS for this machine in ${folder}: run \`npm ci\` in ${tools}`);
  return createRequire(import.meta.url)(join(folder, name));
}

function entryOf(plugin) {
  const found = ENTRIES.filter((name) => existsSync(join(plugin, name)));
  if (found.length === 1) return join(plugin, found[0]);
  const problem = found.length === 0 ? "there is no entry module" : `there are several entry modules (${found.join(", ")})`;
  throw new Refused(`${problem} in ${plugin}: it is one of ${ENTRIES.join(", ")}`);
}

/** QuickJS, unless package.json says `"holdline": { "engine": "starlingmonkey" }`. */
function engineOf(plugin) {
  const file = join(plugin, "package.json");
  const { engine = "quickjs" } = (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).holdline) || {};
  if (Object.hasOwn(ENGINES, engine)) return engine;
  throw new Refused(`${file} asks for the engine ${engine}: it is one of ${Object.keys(ENGINES).join(", ")}`);
}

/**
 * The texts of package.json and its lock file without the SDK, which a plugin may have there for its tests and its editor: the path
 * that leads to it leads nowhere from another folder, and the build brings its own.
 */
function withoutSdk(files) {
  const [manifest, lock] = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
  for (const { dependencies, devDependencies } of [manifest, lock.packages[""]]) {
    delete dependencies?.holdline;
    delete devDependencies?.holdline;
  }
  const linked = lock.packages["node_modules/holdline"];
  delete lock.packages[linked?.resolved];
  delete lock.packages["node_modules/holdline"];
  return [manifest, lock].map((value) => JSON.stringify(value));
}

/** Installs what the plugin's lock file names, once for each lock file: the folder for esbuild to look in, or nothing. */
function packagesOf({ plugin, work }) {
  const lock = join(plugin, "package-lock.json");
  if (!work || !existsSync(lock) || existsSync(join(plugin, "node_modules"))) return undefined;
  const files = [join(plugin, "package.json"), lock];
  const digest = createHash("sha256");
  const texts = withoutSdk(files);
  for (const text of texts) digest.update(text);
  const folder = join(work, "packages", digest.digest("hex").slice(0, 32));
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    const begun = mkdtempSync(`${folder}-`);
    files.forEach((file, at) => writeFileSync(join(begun, relative(plugin, file)), texts[at]));
    // What is bundled are modules; nobody's script has to run for that.
    const flags = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error } = spawnSync("npm", ["ci", ...flags], { cwd: begun, stdio: ["ignore", 2, 2] });
    if (error || status !== 0) {
      rmSync(begun, { recursive: true });
      throw new Refused(`npm could not install the packages of ${plugin}`);
    }
    try {
      renameSync(begun, folder);
    } catch (error) {
      // Another build was faster, with the same packages.
      if (!existsSync(folder)) throw error;
      rmSync(begun, { recursive: true });
    }
  }
  return join(folder, "node_modules");
}

/** What esbuild has found, with the lines that it is about. */
async function show(esbuild, kind, messages) {
  for (const message of messages) {
    const [, name] = /^Could not resolve "(.*)"/.exec(message.text) ?? [];
    // What esbuild would have its own callers do is no help to the writer of a plugin.
    if (name) message.notes = [{ text: adviceOn(name) }];
  }
  const lines = await esbuild.formatMessages(messages, { kind, color: process.stderr.isTTY });
  process.stderr.write(lines.join(""));
}

function adviceOn(name) {
  if (isBuiltin(name)) return "Modules of Node.js are not there in a plugin.";
  if (/^[./]/.test(name)) return "There is no such file.";
  return `\`npm install ${name}\` in the plugin's folder makes the package a part of it.`;
}

/** Lets the imports of the SDK that stand for the host be the interfaces of the contract. */
function hostImports(version) {
  // The oldest there is: the builders raise it to what their engine was made for.
  const wasi = "0.2.0";
  return {
    name: "holdline",
    setup(build) {
      const found = (path) => ({ path, external: true, sideEffects: false });
      const bare = (args) => ({ path: args.path, namespace: "host" });
      build.onResolve({ filter: /^#(host|wasi)\// }, bare);
      build.onResolve({ filter: /^(holdline|wasi):/ }, ({ path }) => found(path));
      build.onLoad({ filter: /.*/, namespace: "host" }, ({ path }) => {
        const [kind, ...rest] = path.slice(1).split("/");
        const name = kind === "host" ? `holdline:websocket/${rest}@${version}` : `wasi:${rest.join("/")}@${wasi}`;
        return { contents: `import * as wire from "${name}"; export default wire;` };
      });
    },
  };
}

/** The names that the entry module exports and the host calls. */
async function exportsOf(esbuild, options, entry) {
  const built = await esbuild.build({ ...options, entryPoints: [entry], metafile: true });
  await show(esbuild, "warning", built.warnings);
  const names = Object.values(built.metafile.outputs).find((output) => output.entryPoint).exports;
  for (const name of names) {
    const meant = name.toLowerCase().replace(/^on/, "");
    if (meant !== name && Object.hasOwn(HANDLERS, meant)) {
      throw new Refused(`${entry} exports \`${name}\`, which the host does not know: it calls \`${meant}\``);
    }
  }
  const known = names.filter((name) => Object.hasOwn(HANDLERS, name));
  if (known.length === 0) {
    throw new Refused(`${entry} exports none of ${Object.keys(HANDLERS).join(", ")}: the host would never call it`);
  }
  return known;
}

/** The module that the engine runs: the plugin, the SDK, and one object for each exported interface. */
async function bundle(esbuild, options, { entry, sdk, known }) {
  const interfaces = [...new Set(known.map((name) => HANDLERS[name]))].sort();
  const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  const contents = [
    `import ${JSON.stringify(join(sdk, "src/globals.js"))};`,
    `import { ${interfaces.map((name) => `${camel(name)} as make_${camel(name)}`)} } from ${JSON.stringify(join(sdk, "src/exports.js"))};`,
    `import { ${known.map((name) => `${name} as plugin_${name}`)} } from ${JSON.stringify(entry)};`,
    `const plugin = { ${known.map((name) => `${name}: plugin_${name}`)} };`,
    ...interfaces.map((name) => `export const ${camel(name)} = make_${camel(name)}(plugin);`),
  ].join("\n");
  const built = await esbuild.build({
    ...options,
    stdin: { contents, resolveDir: dirname(entry), sourcefile: "exports" },
    metafile: true,
    sourcemap: "external",
  });
  const file = (ending) => built.outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const outputs = Object.values(built.metafile.outputs);
  const imports = [...new Set(outputs.flatMap((output) => output.imports.map(({ path }) => path)))].sort();
  return { source: file("bundle.js"), map: JSON.parse(file("bundle.js.map")), imports, interfaces };
}

/** For each line of the bundle the file and the line that it came from, for stacks that a person can follow. */
function linesOf({ source, map }, plugin, sdk) {
  const entries = new SourceMap(map);
  const files = map.sources.map((file) => {
    const full = resolve(plugin, file);
    const inSdk = relative(sdk, full);
    return inSdk.startsWith("..") ? relative(plugin, full) : `holdline/${inSdk}`;
  });
  const lines = source.split("\n").map((text, line) => {
    const column = text.search(/\S/);
    const { originalSource, originalLine } = column < 0 ? {} : entries.findEntry(line, column);
    return originalSource === undefined ? [] : [map.sources.indexOf(originalSource), originalLine + 1];
  });
  return { files, lines };
}

/** What is wrong with a module that could not be loaded, with the places in the plugin's own files. */
function whyNotLoaded(text, { files, lines }) {
  const [, asked] = /unknown import.*?: [`']([^`']+)[`']/.exec(text) ?? [];
  if (asked) {
    return `the module asks the host (${asked}) while it is loaded, which is during the build: ask in a function that the host calls`;
  }
  const located = text.replace(/[^\s(@]*\buser\.js:(\d+)(:\d+)?/g, (place, line) => {
    const [file, original] = lines[line - 1] ?? [];
    return original ? `${files[file]}:${original}` : place;
  });
  return `the module could not be loaded: ${located.replace(/^: /, "").trimEnd()}`;
}

/** Writes the world that has exactly what the bundle imports and exports, with the packages that it stands on. */
function writeWorld(folder, { sdk, wit, version, imports, interfaces }) {
  cpSync(wit, join(folder, "deps", "websocket"), { recursive: true });
  const wasi = join(sdk, "build/wasi");
  for (const file of readdirSync(wasi)) {
    const package_ = join(folder, "deps", file.replace(/\.wit$/, ""));
    mkdirSync(package_);
    cpSync(join(wasi, file), join(package_, file));
  }
  const lines = [
    "package holdline:plugin;",
    "world plugin {",
    ...imports.map((name) => `  import ${name};`),
    ...interfaces.map((name) => `  export holdline:websocket/${name}@${version};`),
    "}",
  ];
  writeFileSync(join(folder, "plugin.wit"), `${lines.join("\n")}\n`);
}

function versionOf(wit) {
  for (const file of readdirSync(wit).filter((name) => name.endsWith(".wit"))) {
    const [, version] = /^package holdline:websocket@([^;]+);/m.exec(readFileSync(join(wit, file), "utf8")) ?? [];
    if (version) return version;
  }
  throw new Refused(`${wit} is not the WIT package holdline:websocket`);
}

async function main() {
  const { plugin, sdk, wit, out, tools, work } = places();
  const version = versionOf(wit);
  const entry = entryOf(plugin);
  const engine = engineOf(plugin);
  const packages = packagesOf({ plugin, work });
  const esbuild = await tool(tools, "esbuild/lib/main.js");
  const componentize = await ENGINES[engine](tools);
  const options = {
    absWorkingDir: plugin,
    alias: { holdline: join(sdk, "src/index.js") },
    bundle: true,
    charset: "utf8",
    define: {
      "process.env.NODE_ENV": '"production"',
      "globalThis.HOLDLINE_ENGINE": JSON.stringify(engine),
    },
    format: "esm",
    logLevel: "silent",
    nodePaths: packages ? [packages] : [],
    outfile: join(plugin, "bundle.js"),
    platform: "browser",
    plugins: [hostImports(version)],
    target: "es2023",
    write: false,
  };
  let bundled;
  try {
    bundled = await bundle(esbuild, options, { entry, sdk, known: await exportsOf(esbuild, options, entry) });
  } catch (error) {
    if (!error.errors) throw error;
    await show(esbuild, "error", error.errors);
    throw new Refused(`${entry} could not be bundled`);
  }
  const lines = linesOf(bundled, plugin, sdk);
  const source = `${bundled.source}globalThis.HOLDLINE_LINES = ${JSON.stringify(JSON.stringify(lines))};\n`;
  const folder = mkdtempSync(join(tmpdir(), "holdline-"));
  try {
    writeWorld(folder, { sdk, wit, version, ...bundled });
    const { component } = await componentize(folder, source);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, component);
  } catch (error) {
    throw new Refused(whyNotLoaded(error.message, lines));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Refused ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
