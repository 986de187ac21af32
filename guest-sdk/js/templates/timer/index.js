// Every connection gets a tick each second, from a timer of the host. Between two ticks no instance is kept: the timer's payload is
// the id of the connection, and the connection's attachment is the id of the timer.

import { TimerError, broadcast, timers } from "holdline";

export function open(request) {
  request.setAttachment(timers.every(1000, request.id));
}

export function message(request) {
  request.send("listen");
}

export function close(request) {
  const timer = request.attachmentJson();
  if (timer !== null) stop(timer);
}

export function timer(timer, payload) {
  if (broadcast.toConnections([payload.text()], "tick") === 0) stop(timer);
}

// The close event and a tick that reached nobody may both come here: the second one finds the timer gone.
function stop(timer) {
  try {
    timers.cancel(timer);
  } catch (error) {
    if (!(error instanceof TimerError) || error.code !== "unknown") throw error;
  }
}
