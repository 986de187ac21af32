// Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers by
// that number alone.
//
// Three messages sent at once by one client come back one after the other: the connection is held during each of them.

import { Channel, DelayedWebSocket } from "holdline";
import { delayIn, mirrored } from "./mirror.js";

// The way from the handlers to the workers.
const CHANNEL = "background";

// Over a thousand clients may wait; the next one is told that there is too much to do.
const CAPACITY = 1024;

export function open(request) {
  request.send("hello from mirror");
}

export function message(request, msg) {
  if (typeof msg !== "string") return request.send({ error: "mirror takes text" });
  const webSocketHandle = request.retainWebSocket();
  try {
    Channel.open(CHANNEL, CAPACITY).offer({ webSocketHandle, msg });
  } catch (error) {
    // Nobody else knows the handle: the client would wait until the deadline.
    new DelayedWebSocket(webSocketHandle).send({ error: error.message });
  }
}

export function run(_name, argument) {
  const delay = delayIn(argument.text());
  const channel = Channel.open(CHANNEL, CAPACITY);
  // All of them wait equally long, so the one that came first is due first, and one worker can wait for any number.
  const waiting = [];
  for (;;) {
    try {
      const item = channel.receive(waiting.length > 0 ? waiting[0].due - Date.now() : undefined);
      waiting.push({ due: Date.now() + delay, item });
    } catch (error) {
      if (error.code === "closed") return;
      if (error.code !== "timeout") throw error;
      answer(waiting.shift().item);
    }
  }
}

// Needs nothing but the number: the connection may be any, and the instance that held it is long gone.
function answer(item) {
  try {
    const { webSocketHandle, msg } = item.json();
    new DelayedWebSocket(webSocketHandle).send({ mirrored: mirrored(msg), msg });
  } catch (error) {
    console.log(`could not answer ${item.text()}: ${error.message}`);
  }
}
