// Delivering to a connection that is held, from anywhere, given only the number.

import wire from "#host/delayed";
import { DelayedError, ask } from "./error.js";
import { drop } from "./resource.js";
import { closeFrame, id, json, messageOf, millis } from "./values.js";

/** A held connection. It is nothing but its handle: the host's own object is made anew for each call. */
export class DelayedWebSocket {
  constructor(handle) {
    this.handle = Number(handle);
  }

  send(value, options) {
    const sent = messageOf(value);
    ask(DelayedError, () => wire.DelayedWebSocket.send(socket(this), sent, sendOptions(options)));
  }

  sendJson(value, options) {
    this.send(json(value), options);
  }

  close(code, reason) {
    const frame = closeFrame(code, reason);
    ask(DelayedError, () => wire.DelayedWebSocket.close(socket(this), frame));
  }

  release() {
    ask(DelayedError, () => wire.DelayedWebSocket.release(socket(this)));
  }

  sendAfter(value, delayMs) {
    const [sent, delay] = [messageOf(value), millis(delayMs)];
    return Number(ask(DelayedError, () => wire.DelayedWebSocket.sendAfter(socket(this), sent, delay)));
  }

  sendAt(value, time) {
    const [sent, unixMs] = [messageOf(value), millis(time)];
    return Number(ask(DelayedError, () => wire.DelayedWebSocket.sendAt(socket(this), sent, unixMs)));
  }

  push(value, options) {
    const sent = messageOf(value);
    lend(this, (held) => held.push(sent, sendOptions(options)));
  }

  pushJson(value, options) {
    this.push(json(value), options);
  }

  extend(deadlineMs) {
    const deadline = millis(deadlineMs);
    lend(this, (held) => held.extend(deadline));
  }

  static cancel(delivery) {
    return Number(ask(DelayedError, () => wire.cancel(id(delivery))));
  }
}

function socket({ handle }) {
  return new wire.DelayedWebSocket(id(handle));
}

// What does not end the retention borrows the host's object, so that it has to be given back.
function lend(self, work) {
  const held = socket(self);
  try {
    ask(DelayedError, () => work(held));
  } finally {
    drop(held);
  }
}

function sendOptions(options) {
  return options?.confirm ? { confirm: true } : undefined;
}
