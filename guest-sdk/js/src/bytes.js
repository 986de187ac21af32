// Bytes as a plugin is given them, and the ways between them and texts.

/** A list of bytes that can be read as a text or as JSON. */
export class Bytes extends Uint8Array {
  text() {
    return decode(this);
  }

  json() {
    return JSON.parse(decode(this));
  }
}

/** The same bytes, not copied. */
export function asBytes(list) {
  return new Bytes(list.buffer, list.byteOffset, list.byteLength);
}

/** Views and buffers of any kind as plain bytes, not copied; anything else is undefined. */
export function bytesIn(value) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return undefined;
}

// Engines for the web and for Node have these; QuickJS does not.
const native = globalThis.TextDecoder && {
  encoder: new TextEncoder(),
  lenient: new TextDecoder("utf-8", { ignoreBOM: true }),
  strict: new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }),
};

// QuickJS has no way between bytes and texts but these, which are old or roundabout, and twenty times as fast as a loop.
const octetsOf = (bytes) => atob(bytes.toBase64());
const bytesOf = (octets) => Uint8Array.fromBase64(btoa(octets));

/** The UTF-8 of a text. Half a surrogate pair becomes U+FFFD. */
export function encode(text) {
  if (native) return native.encoder.encode(text);
  return bytesOf(/[^\x00-\x7f]/.test(text) ? unescape(encodeURIComponent(text.toWellFormed())) : text);
}

/** The text of UTF-8. What is none becomes U+FFFD, or with `fatal` a TypeError. */
export function decode(bytes, fatal = false) {
  if (native) return (fatal ? native.strict : native.lenient).decode(bytes);
  const octets = octetsOf(bytes);
  if (!/[\x80-\xff]/.test(octets)) return octets;
  try {
    return decodeURIComponent(escape(octets));
  } catch {
    if (fatal) throw new TypeError("the bytes are not UTF-8");
    return mend(bytes);
  }
}

// Every longest beginning of a sequence that does not go on becomes one U+FFFD, as in the Encoding standard.
function mend(bytes) {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at++];
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const length = lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    // The first of the following bytes has narrower bounds where a sequence would be too long or no character.
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let code = lead & (0x3f >> length);
    let missing = length;
    while (missing > 0 && bytes[at] >= low && bytes[at] <= high) {
      code = (code << 6) | (bytes[at++] & 0x3f);
      [low, high] = [0x80, 0xbf];
      missing--;
    }
    text += length > 0 && missing === 0 ? String.fromCodePoint(code) : "\ufffd";
  }
  return text;
}
