// What a plugin imports as "holdline". Each name is documented in ../index.d.ts.

export { broadcast } from "./broadcast.js";
export { Bytes } from "./bytes.js";
export { Channel, select } from "./channel.js";
export { Refusal } from "./connect.js";
export { DelayedWebSocket } from "./delayed.js";
export {
  BroadcastError,
  ChannelError,
  DelayedError,
  HoldlineError,
  ReplyError,
  RetainError,
  TimerError,
  WorkerError,
} from "./error.js";
export { Request } from "./request.js";
export { timers } from "./timers.js";
export { workers } from "./workers.js";
