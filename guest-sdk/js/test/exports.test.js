import assert from "node:assert/strict";
import { test } from "node:test";

// What a plugin prints would go to the host.
const printed = [];
const { connectHandler, handler, migration, timerHandler, worker } = await import("../src/exports.js");
console.error = (...values) => printed.push(values.join(" "));

test("what a plugin leaves out does nothing", () => {
  handler({}).onOpen(1);
  handler({}).onMessage(1, { tag: "text", val: "x" });
  handler({}).onClose(1, { frame: undefined, clean: true });
});

test("a text comes as a string and a binary message as bytes", () => {
  const came = [];
  const { onMessage } = handler({ message: (_, message) => came.push(message) });
  onMessage(1, { tag: "text", val: "x" });
  onMessage(1, { tag: "binary", val: new Uint8Array([65]) });
  assert.equal(came[0], "x");
  assert.equal(came[1].text(), "A");
});

test("ids are numbers, whatever the engine gives", () => {
  let came;
  timerHandler({ timer: (timer) => (came = timer) }).onTimer(7n, new Uint8Array());
  assert.equal(came, 7);
});

test("an exception is the text of the event's error, and its stack is shown", () => {
  const thrown = (error) => {
    try {
      worker({ run: () => { throw error; } }).run("w", new Uint8Array());
    } catch (text) {
      return text;
    }
  };
  assert.equal(thrown(new Error("out of paper")), "out of paper");
  assert.match(printed.at(-1), /^Error: out of paper\n.*exports\.test\.js/);
  assert.equal(thrown(new RangeError("far")), "RangeError: far");
  assert.equal(thrown("bare"), "bare");
  assert.equal(thrown({ code: 1 }), '{"code":1}');
});

test("nobody waits for a promise", () => {
  assert.throws(() => worker({ run: async () => {} }).run("w", new Uint8Array()), (text) => /cannot be async/.test(text));
});

test("a connection is accepted by saying nothing, and refused by returning or throwing", async () => {
  const { Refusal } = await import("../src/index.js");
  const upgrade = { path: "/", query: "", headers: [], subprotocols: [], remoteAddress: "" };
  const answer = (connect) => connectHandler({ connect }).onConnect(upgrade);
  const refusal = { status: 403, headers: [{ name: "a", value: new Uint8Array([49]) }], body: new Uint8Array([120]) };
  const refused = new Refusal(403, { headers: { a: "1" }, body: "x" });

  assert.deepEqual(answer(() => {}), { subprotocol: undefined, attachment: new Uint8Array() });
  assert.deepEqual(answer(() => ({ subprotocol: "a", attachment: "A" })), { subprotocol: "a", attachment: new Uint8Array([65]) });
  for (const connect of [() => refused, () => { throw refused; }]) {
    assert.throws(() => answer(connect), (thrown) => assert.deepEqual(thrown, refusal) ?? true);
  }
});

test("an attachment is migrated to what is returned, and never to nothing by mistake", () => {
  const migrated = (migrate) => migration({ migrate }).migrate(new Uint8Array([65]), "sha256:0");
  assert.deepEqual(migrated((attachment, from) => attachment.text() + from), new TextEncoder().encode("Asha256:0"));
  assert.deepEqual(migrated(() => ({ v: 2 })), new TextEncoder().encode('{"v":2}'));
  assert.deepEqual(migrated(() => ""), new Uint8Array());
  for (const forgotten of [() => {}, () => null, async () => "late"]) {
    assert.throws(() => migrated(forgotten), (text) => /returned (nothing|a promise)/.test(text));
  }
});

test("without a host nothing can be asked", async () => {
  const { Channel, DelayedWebSocket } = await import("../src/index.js");
  assert.throws(() => Channel.open("a", 1), /no host/);
  assert.throws(() => new DelayedWebSocket(1).send("x"), /no host/);
});
