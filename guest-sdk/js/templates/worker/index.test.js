import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel } from "holdline";
import { answer, message } from "./index.js";

test("the handle is passed on with the text", (t) => {
  const items = [];
  t.mock.method(Channel, "open", () => ({ offer: (item) => items.push(item) }));
  message({ retainWebSocket: () => 7 }, "hello");
  assert.deepEqual(items, [{ handle: 7, text: "hello" }]);
});

test("the answer says what was asked", () => {
  assert.equal(answer("hello"), "you said: hello");
});
