import assert from "node:assert/strict";
import { test } from "node:test";
import { TimerError, broadcast, timers } from "holdline";
import { open, timer } from "./index.js";

test("a connection gets a timer of its own", (t) => {
  const every = t.mock.method(timers, "every", () => 7);
  const request = { id: "17-a", setAttachment: t.mock.fn() };
  open(request);
  assert.deepEqual(every.mock.calls[0].arguments, [1000, "17-a"]);
  assert.deepEqual(request.setAttachment.mock.calls[0].arguments, [7]);
});

test("a tick that reaches nobody is the last", (t) => {
  t.mock.method(broadcast, "toConnections", () => 0);
  const cancel = t.mock.method(timers, "cancel", () => {
    throw new TimerError("unknown");
  });
  timer(7, { text: () => "17-a" });
  assert.deepEqual(cancel.mock.calls[0].arguments, [7]);
});
