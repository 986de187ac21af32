// The errors: one class for each kind of call, one code for each case of the contract.

/** What all of them have in common. */
export class HoldlineError extends Error {
  constructor(name, texts, code, text) {
    super(text === undefined ? (texts[code] ?? code) : `${texts[code]}: ${text}`);
    this.name = name;
    this.code = code;
    this.text = text ?? null;
  }
}

const INTERNAL = "the host failed; its log says how";

const RETAIN = {
  "already-retained": "this event has already retained the connection",
  closing: "the connection is closing",
  "quota-exceeded": "the tenant holds as many connections as it may",
  "too-large": "the message or the close reason of the expiry is over its limit",
  "invalid-close-code": "the close code of the expiry is one that an endpoint may not send",
  "not-this-event": "the request is not the one of this event",
  internal: INTERNAL,
};

const REPLY = {
  retained: "the event has retained the connection: answer through a DelayedWebSocket",
  closed: "the connection is closed",
  "too-large": "the message, the attachment or the close reason is over its limit",
  overloaded: "the connection's outbox is full",
  "invalid-close-code": "the close code is one that an endpoint may not send",
  "not-this-event": "the request is not the one of this event",
  internal: INTERNAL,
};

const DELAYED = {
  "invalid-handle": "the handle is not valid (any more)",
  closed: "the connection is closed",
  "too-large": "the message or the close reason is over its limit",
  overloaded: "the connection's outbox is full",
  "invalid-close-code": "the close code is one that an endpoint may not send",
  "invalid-delay": "the delay is longer than the tenant's longest",
  "unknown-timer": "there is no such delivery pending",
  "quota-exceeded": "the tenant has as many timers as it may",
  internal: INTERNAL,
};

const CHANNEL = {
  full: "the channel is full",
  timeout: "the time was over before the item was taken or came",
  closed: "the channel is closed",
  unknown: "no channel of this name is open",
  "wrong-capacity": "a channel of this name is open with another capacity",
  "too-large": "the item or the capacity is over its limit",
  "invalid-name": "the name is empty, over 255 bytes, or contains a control character",
  "no-channels": "there is no channel to select from",
  "quota-exceeded": "the tenant has as many channels, or as many bytes in them, as it may",
  internal: INTERNAL,
};

const TIMER = {
  "invalid-schedule": "invalid schedule",
  "no-handler": "the plugin exports no timer handler, or was removed",
  unknown: "there is no such timer pending",
  "too-large": "the payload is over 64 KiB",
  "quota-exceeded": "the tenant has as many timers as it may",
  internal: INTERNAL,
};

const WORKER = {
  unknown: "the plugin exports no worker",
  "quota-exceeded": "the tenant has as many workers as it may, or the host is stopping",
  "too-large": "the argument is over 1 MiB, or the name over 255 bytes",
  "unknown-channel": "no channel of the name of the exit channel is open",
  internal: INTERNAL,
};

const BROADCAST = {
  "too-large": "the message is over the message limit",
  internal: INTERNAL,
};

// Each class writes its own name down, because a bundler may rename it.

export class RetainError extends HoldlineError {
  constructor(code) {
    super("RetainError", RETAIN, code);
  }
}

export class ReplyError extends HoldlineError {
  constructor(code) {
    super("ReplyError", REPLY, code);
  }
}

export class DelayedError extends HoldlineError {
  constructor(code) {
    super("DelayedError", DELAYED, code);
  }
}

export class ChannelError extends HoldlineError {
  constructor(code) {
    super("ChannelError", CHANNEL, code);
  }
}

export class TimerError extends HoldlineError {
  constructor(code, text) {
    super("TimerError", TIMER, code, text);
  }
}

export class WorkerError extends HoldlineError {
  constructor(code) {
    super("WorkerError", WORKER, code);
  }
}

export class BroadcastError extends HoldlineError {
  constructor(code) {
    super("BroadcastError", BROADCAST, code);
  }
}

/** Asks the host, and turns what the generated bindings throw when it refuses into an error of this class. */
export function ask(Refused, work) {
  try {
    return work();
  } catch (error) {
    const reason = error?.payload;
    // Without a payload it is no answer of the host, but a mistake on the way to it.
    if (reason === undefined) throw error;
    // A case with a text comes as `{ tag, val }`, one without as its name alone.
    throw typeof reason === "string" ? new Refused(reason) : new Refused(reason.tag, reason.val);
  }
}
