import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "./index.js";

test("a message comes back as it was", () => {
  const sent = [];
  message({ send: (message) => sent.push(message) }, "hello");
  assert.deepEqual(sent, ["hello"]);
});
