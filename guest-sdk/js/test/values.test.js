import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, closeFrame, id, json, limit, messageOf, millis, u16 } from "../src/values.js";

test("a string is a text, bytes are binary, and anything else is JSON", () => {
  assert.deepEqual(messageOf("a"), { tag: "text", val: "a" });
  assert.deepEqual(messageOf(new Uint8Array([1])), { tag: "binary", val: new Uint8Array([1]) });
  assert.deepEqual(messageOf(new Uint16Array([258]).buffer), { tag: "binary", val: new Uint8Array([2, 1]) });
  assert.deepEqual(messageOf({ a: [1, null] }), { tag: "text", val: '{"a":[1,null]}' });
  assert.deepEqual(messageOf(null), { tag: "text", val: "null" });
  assert.throws(() => messageOf(undefined), TypeError);
  assert.throws(() => json(() => {}), TypeError);
});

test("half a surrogate pair is no UTF-8", () => {
  assert.equal(messageOf("a\ud800b").val, "a\ufffdb");
  assert.deepEqual([...bytes("\udc00")], [0xef, 0xbf, 0xbd]);
});

test("a part of a millisecond counts as a whole one, and the past is now", () => {
  assert.equal(millis(0.2), 1);
  assert.equal(millis(-5), 0);
  assert.equal(millis(new Date(1500)), 1500);
  assert.equal(millis(Infinity), Number.MAX_SAFE_INTEGER);
  for (const value of [undefined, null, NaN, "soon"]) assert.throws(() => millis(value), TypeError);
});

test("no limit is none", () => {
  assert.deepEqual([undefined, null, Infinity].map(limit), [undefined, undefined, undefined]);
  assert.equal(limit(0), 0);
});

test("what cannot be a handle is 0, and what cannot be a code is 0", () => {
  assert.deepEqual([1, "7", 2 ** 53 - 1].map(id), [1, 7, 2 ** 53 - 1]);
  assert.deepEqual([0, -1, 1.5, 2 ** 53, NaN, undefined, {}].map(id), Array(7).fill(0));
  assert.deepEqual([1000, 70000, -1, 1.5, "1000"].map(u16), [1000, 0, 0, 0, 0]);
});

test("a close frame needs a code", () => {
  assert.equal(closeFrame(), undefined);
  assert.deepEqual(closeFrame(4000), { code: 4000, reason: "" });
});
