// What JavaScript is expected to have everywhere and QuickJS does not: the console, text encoding, and chance.

import stderr from "#wasi/cli/stderr";
import stdout from "#wasi/cli/stdout";
import random from "#wasi/random/random";
import { bytesIn, decode, encode } from "./bytes.js";
import { drop } from "./resource.js";
import { u64 } from "./values.js";

/** The most that the contract of the streams takes at once. */
const PIECE = 4096;

// The stream is asked for each time: one that was kept from before the snapshot would not be this instance's.
function print(stream, values) {
  const bytes = encode(`${values.map(printed).join(" ")}\n`);
  const output = stream();
  for (let at = 0; at < bytes.length; at += PIECE) output.blockingWriteAndFlush(bytes.slice(at, at + PIECE));
  drop(output);
}

function printed(value) {
  return value instanceof Error ? describe(value) : shown(value);
}

/** A value in one line: texts as they are, objects as JSON where they can be written so. */
export function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return String(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

/** What happened and where: name, message and stack, with the lines of the plugin's own files. */
export function describe(error) {
  if (!(error instanceof Error)) return `uncaught ${shown(error)}`;
  const stack = located(String(error.stack ?? "")).trimEnd();
  // Some engines begin the stack with the message, and some do not.
  return stack.startsWith(`${error}`) ? stack : `${error}\n${stack}`.trimEnd();
}

// The build leaves a table behind: for each line of the bundle the file and the line that it came from.
function located(stack) {
  const table = globalThis.HOLDLINE_LINES && JSON.parse(globalThis.HOLDLINE_LINES);
  if (!table) return stack;
  return stack.replace(/[^\s(@]*\buser\.js:(\d+)(:\d+)?/g, (place, line) => {
    const [file, original] = table.lines[line - 1] ?? [];
    return original ? `${table.files[file]}:${original}` : place;
  });
}

const out = (...values) => print(stdout.getStdout, values);
const err = (...values) => print(stderr.getStderr, values);

globalThis.console = { log: out, info: out, debug: out, warn: err, error: err, trace: err };

globalThis.TextEncoder ??= class TextEncoder {
  encoding = "utf-8";

  encode(text = "") {
    return encode(String(text));
  }
};

globalThis.TextDecoder ??= class TextDecoder {
  #fatal;
  #keepsMark;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*utf-?8\s*$/i.test(label)) throw new RangeError(`the encoding ${label} is not offered: only UTF-8 is`);
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  encoding = "utf-8";

  decode(source = new Uint8Array()) {
    const text = decode(bytesIn(source), this.#fatal);
    return this.#keepsMark || !text.startsWith("\ufeff") ? text : text.slice(1);
  }
};

// An instance begins as a copy of a snapshot, and with it the state of the engine's own generator: all of them would draw the
// same numbers. So chance comes from the host.
Math.random = () => {
  const [a, b] = new Uint32Array(chance(8).buffer);
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
};

globalThis.crypto ??= {
  getRandomValues(view) {
    bytesIn(view).set(chance(view.byteLength));
    return view;
  },

  randomUUID() {
    const bytes = chance(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};

function chance(length) {
  return new Uint8Array(random.getRandomBytes(u64(length)));
}
