import assert from "node:assert/strict";
import { test } from "node:test";
import { delayIn, mirrored } from "./mirror.js";

test("the text is mirrored by characters", () => {
  assert.equal(mirrored("hellö 😀"), "😀 ölleh");
});

test("the argument says the delay", () => {
  assert.equal(delayIn(""), 1000);
  assert.equal(delayIn("250"), 250);
  assert.throws(() => delayIn("soon"));
});
