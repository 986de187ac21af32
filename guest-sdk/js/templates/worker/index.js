// Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers a
// second later. While the connection is held its next messages wait.

import { Channel, DelayedError, DelayedWebSocket, timers } from "holdline";

export function message(request, message) {
  const questions = Channel.open("questions", 100);
  const handle = request.retainWebSocket();
  questions.offer({ handle, text: typeof message === "string" ? message : "something that is no text" });
}

export function run() {
  const questions = Channel.open("questions", 100);
  for (;;) {
    const { handle, text } = questions.receive().json();
    timers.sleep(1000);
    try {
      new DelayedWebSocket(handle).send(answer(text));
    } catch (error) {
      if (!(error instanceof DelayedError)) throw error;
      // The client may have gone.
      console.log(`${handle}: ${error.message}`);
    }
  }
}

export function answer(text) {
  return `you said: ${text}`;
}
