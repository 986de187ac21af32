import assert from "node:assert/strict";
import { test } from "node:test";

const { TextDecoder } = globalThis;

// As in QuickJS, which has no TextDecoder, and has the ways over base64 that Node 20 lacks.
delete globalThis.TextDecoder;
Uint8Array.fromBase64 ??= (text) => new Uint8Array(Buffer.from(text, "base64"));
Uint8Array.prototype.toBase64 ??= function () {
  return Buffer.from(this).toString("base64");
};
const { asBytes, decode, encode } = await import("../src/bytes.js");
globalThis.TextDecoder = TextDecoder;

const TEXTS = ["", "plain", "hellö", "€ 😀 \u0000 \u2028", "%41+%", "\ufeffmark"];

test("texts survive", () => {
  for (const text of TEXTS) {
    assert.deepEqual(encode(text), new TextEncoder().encode(text));
    assert.equal(decode(encode(text)), text);
  }
});

test("what is no UTF-8 is mended as the Encoding standard says", () => {
  const standard = new TextDecoder("utf-8", { ignoreBOM: true });
  let seed = 1;
  for (let round = 0; round < 20000; round++) {
    const bytes = Uint8Array.from({ length: round % 12 }, () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return [0x41, 0x80, 0xbf, 0x9f, 0xa0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff, 0x8f][(seed >> 8) % 12];
    });
    assert.equal(decode(bytes), standard.decode(bytes), `[${bytes}]`);
  }
  assert.throws(() => decode(new Uint8Array([0xff]), true), TypeError);
});

test("bytes are read as text and as JSON", () => {
  const bytes = asBytes(encode(' {"a":1} ').subarray(1, 8));
  assert.equal(bytes.text(), '{"a":1}');
  assert.deepEqual(bytes.json(), { a: 1 });
  assert.throws(() => asBytes(new Uint8Array()).json(), SyntaxError);
});
