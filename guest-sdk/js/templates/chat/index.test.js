import assert from "node:assert/strict";
import { test } from "node:test";
import { broadcast } from "holdline";
import { message } from "./index.js";

test("the room hears who said what", (t) => {
  const said = t.mock.method(broadcast, "toPath", () => 1);
  message({ path: "/blue", query: "room=1&name=Ann" }, "hello");
  message({ path: "/blue", query: "" }, "hi");
  assert.deepEqual(
    said.mock.calls.map((call) => call.arguments),
    [
      ["/blue", { from: "Ann", text: "hello" }],
      ["/blue", { from: "somebody", text: "hi" }],
    ],
  );
});
