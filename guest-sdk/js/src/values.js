// From what a plugin may give to what the contract takes. The bindings trap on a value of another kind, so everything goes
// through here first.

import { bytesIn, encode } from "./bytes.js";

// The bindings of StarlingMonkey want a BigInt for a number of 64 bits, those of QuickJS a Number.
export const u64 = globalThis.HOLDLINE_ENGINE === "starlingmonkey" ? BigInt : Number;

/** A handle or an id. What cannot be one is 0, which never is one, so that the host says so. */
export function id(value) {
  const number = Number(value);
  return u64(Number.isSafeInteger(number) && number > 0 ? number : 0);
}

/** Whole milliseconds, rounded up so that a short wait does not become none. A Date is one since the epoch. */
export function millis(value) {
  const whole = Math.ceil(value ?? NaN);
  if (Number.isNaN(whole)) throw new TypeError(`${String(value)} is not a number of milliseconds`);
  return u64(Math.min(Math.max(whole, 0), Number.MAX_SAFE_INTEGER));
}

/** Milliseconds, or none for no limit. */
export function limit(value) {
  return value === undefined || value === null || value === Infinity ? undefined : millis(value);
}

/** A number of 16 bits. What is none is 0, which is no close code and no status, so that the host says so. */
export function u16(value) {
  return Number.isInteger(value) && value >= 0 && value < 1 << 16 ? value : 0;
}

/** A text that can be UTF-8: half a surrogate pair becomes U+FFFD. */
export function string(value) {
  return String(value).toWellFormed();
}

/** The value as JSON. */
export function json(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${typeof value} is nothing that can be written as JSON`);
  return text;
}

/** A text is itself, bytes are binary, and anything else is sent as JSON. */
export function messageOf(value) {
  if (typeof value === "string") return { tag: "text", val: string(value) };
  const bytes = bytesIn(value);
  return bytes ? { tag: "binary", val: bytes } : { tag: "text", val: json(value) };
}

/** A text is its UTF-8, bytes are themselves, and anything else is written as JSON. */
export function bytes(value) {
  if (typeof value === "string") return encode(value);
  return bytesIn(value) ?? encode(json(value));
}

/** A close frame; none if there is no code. */
export function closeFrame(code, reason = "") {
  return code === undefined || code === null ? undefined : { code: u16(code), reason: string(reason) };
}
