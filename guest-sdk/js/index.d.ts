/**
 * Writes Holdline plugins in JavaScript and TypeScript.
 *
 * A plugin is a module `index.ts`, `index.js` or `index.mjs` that exports some of the functions `connect`, `open`, `message`,
 * `close`, `run`, `timer`, `item` and `migrate`, which are described by the types {@link Connect}, {@link Open}, {@link OnMessage},
 * {@link Close}, {@link Run}, {@link Timer}, {@link Item} and {@link Migrate}. All of them return when they are done: they cannot be
 * `async`.
 *
 * Times are milliseconds; parts of one are rounded up, so that nothing comes earlier than asked. What is refused throws a
 * {@link HoldlineError}, and nothing has happened then.
 */

/** Names one retention of one connection: a whole number above 0 that survives JSON. Send it wherever you like. */
export type WebSocketHandle = number;

/** Names a connection for as long as it lives: made by the host, unguessable, unique, and the same in all its events. */
export type ConnectionId = string;

/** Names a delivery that `sendAfter` or `sendAt` has set and that is pending. */
export type DeliveryId = number;

/** Names a timer of this plugin. */
export type TimerId = number;

/** Names one start of a worker. */
export type WorkerId = number;

/** A message that came: a text, or the bytes of a binary one. */
export type Message = string | Bytes;

/** What can be given as bytes or as a binary message. */
export type BytesLike = ArrayBuffer | ArrayBufferView;

/**
 * What can be given as a message: a string is a text message, bytes are a binary one, and anything else is sent as JSON.
 * What JSON cannot say, such as a function, is a `TypeError`.
 */
export type Sendable = unknown;

/** What can be given as bytes: a string is its UTF-8, bytes are themselves, and anything else is written as JSON. */
export type Storable = unknown;

/** A list of bytes that can be read as a text or as JSON. */
export class Bytes extends Uint8Array {
  /** The text of which this is the UTF-8. What is no UTF-8 becomes U+FFFD. */
  text(): string;

  /**
   * The value that is written here in JSON.
   * @throws {SyntaxError} It is not JSON; the message says where.
   */
  json<T = any>(): T;
}

/** What a Close frame says. */
export interface CloseFrame {
  /** A code that an endpoint may send: 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999. */
  code: number;
  /** At most 123 bytes of UTF-8. */
  reason: string;
}

/** One HTTP header field. */
export interface Header {
  /** The name in lower case. */
  name: string;
  /** The value as it was sent. HTTP does not promise that it is UTF-8. */
  value: Bytes;
}

// What a plugin exports.

/**
 * `export function connect(upgrade)` decides who may connect. Is called before the upgrade; without it everyone may connect,
 * with no subprotocol. It returns nothing or an {@link Acceptance} to accept, and returns or throws a {@link Refusal} to refuse.
 * If it throws anything else, the client gets 500 with an empty body.
 */
export type Connect = (upgrade: Upgrade) => Acceptance | Refusal | void;

/** `export function open(request)`: the connection is open. Comes once, before any message. */
export type Open = (request: Request) => void;

/** `export function message(request, message)`: the client sent a message. They come one at a time and in order. */
export type OnMessage = (request: Request, message: Message) => void;

/**
 * `export function close(request, info)`: the connection has ended. Comes exactly once for each connection that was opened,
 * after all its messages. Nothing can be sent any more; the request can be read.
 */
export type Close = (request: Request, info: CloseInfo) => void;

/**
 * `export function run(name, argument)` is the worker. Is run in as many instances as the manifest says, and once for each
 * `workers.start`, with the name and the argument given there. One of the manifest that throws is run again after a pause, 100 ms
 * at first and doubled each time up to 30 s; one that returns is done.
 */
export type Run = (name: string, argument: Bytes) => void;

/**
 * `export function timer(timer, payload)`: a timer of this plugin is due. Runs of one timer never overlap. An exception goes to the
 * log; a repeating timer goes on.
 */
export type Timer = (timer: TimerId, payload: Bytes) => void;

/**
 * `export function item(channel, item)`: an item was taken from one of the channels that the manifest names. As many calls run at
 * once as the manifest says. An exception goes to the log; the item is gone.
 */
export type Item = (channel: string, item: Bytes) => void;

/**
 * `export function migrate(attachment, fromVersion)`: a connection that has an attachment moves to this version of the plugin from
 * another one, which is another component: by a deploy, by a rollback, to a canary and back. What it returns is the attachment from
 * then on; an empty one is none. `fromVersion` is the digest of the version that the connection comes from: `sha256:` and 64
 * hexadecimal digits. Comes once for each move, before the first event that this version handles. There is no request: nothing can be
 * sent to the connection, nor can it be retained.
 *
 * An exception closes the connection with 1011, and its text goes to the log; so does an attachment over the limit. The version that
 * the connection comes from gets the close event, with the attachment as it was.
 */
export type Migrate = (attachment: Bytes, fromVersion: string) => Storable;

/** The HTTP request that asks for a connection. */
export interface Upgrade {
  /** The path, percent-encoded as it was sent, without the query. */
  path: string;
  /** The query without the question mark; empty if there was none. */
  query: string;
  /** The headers. Those of one name stand together, in the order in which they came. */
  headers: Header[];
  /** The subprotocols that the client offers, the one it likes best first. */
  subprotocols: string[];
  /** The client's address and port. */
  remoteAddress: string;
  /** The first header of this name, in any case, or null. What is no UTF-8 becomes U+FFFD. */
  header(name: string): string | null;
}

/** How a connection begins. */
export interface Acceptance {
  /** One of those that the client offers. Another one is an error of the plugin: the client gets 500. */
  subprotocol?: string | null;
  /** The connection's first attachment; empty unless given. */
  attachment?: Storable;
}

/** The HTTP response that refuses a connection. */
export class Refusal {
  /**
   * @param status From 400 to 599. Another one is an error of the plugin: the client gets 500.
   * @param response Headers, of which those that belong to the transfer (such as content-length) are left out, and a body.
   */
  constructor(status: number, response?: {
    headers?: Record<string, Storable> | Iterable<[name: string, value: Storable]>;
    body?: Storable;
  });
}

/** How a connection ended. */
export interface CloseInfo {
  /** The Close frame that the peer sent, or else the one that the host sent; null if the connection broke without one. */
  frame: CloseFrame | null;
  /** True if both sides have said Close before the connection ended. */
  clean: boolean;
}

// What a plugin can use.

/**
 * One event (open, message or close) of one connection. Good until that event returns, and only there; what outlives it is the
 * handle that `retainWebSocket` gives. Every property asks the host anew: keep what you use twice.
 */
export class Request {
  private constructor();

  /** The id of the connection. */
  readonly id: ConnectionId;
  /** The path that the client asked for, percent-encoded as it was sent, without the query. */
  readonly path: string;
  /** The query without the question mark, percent-encoded as it was sent; empty if there was none. */
  readonly query: string;
  /** The headers of the upgrade request. Those of one name stand together, in the order in which they came. */
  readonly headers: Header[];
  /** The first header of this name, in any case, or null. What is no UTF-8 becomes U+FFFD. */
  header(name: string): string | null;
  /** The subprotocol that was agreed on, or null. */
  readonly subprotocol: string | null;
  /** The client's address and port, as in `192.0.2.7:50123` or `[2001:db8::7]:50123`. */
  readonly remoteAddress: string;

  /** The connection's attachment: bytes of the plugin's own that live as long as the connection. Empty until it is set. */
  readonly attachment: Bytes;
  /**
   * Reads the attachment as JSON; null if it is empty.
   * @throws {SyntaxError} It is not JSON.
   */
  attachmentJson<T = any>(): T | null;
  /**
   * Replaces the attachment. It can be set while retained and in a close event.
   * @throws {ReplyError} `too-large`: over the limit (64 KiB unless configured).
   */
  setAttachment(value: Storable): void;

  /**
   * Sends a message to the client, in the order of the calls. When it returns, the message is in the connection's outbox.
   * @throws {ReplyError} `retained`, `closed`, `too-large`, `overloaded`.
   */
  send(message: Sendable): void;
  /**
   * Sends the value as a JSON text, strings and bytes included.
   * @throws {ReplyError} Those of `send`.
   */
  sendJson(value: unknown): void;
  /**
   * Closes the connection; without a code with 1000 and no reason. The event goes on; later sends are `closed`; messages that
   * waited are discarded; the close event comes when the client has answered or the close handshake has timed out.
   * @throws {ReplyError} `retained`, `closed`, `invalid-close-code`, `too-large`.
   */
  close(code?: number, reason?: string): void;

  /**
   * Holds the connection: when this event returns, its next one waits until the handle is used or its deadline has passed.
   * Messages that come meanwhile wait in order, and nothing of the plugin stays in memory for them. Works once per event, in open
   * and message events. After it the request can be read, but not answered.
   * @throws {RetainError} The connection is as it was before.
   */
  retainWebSocket(options?: RetainOptions): WebSocketHandle;
}

/** How to retain. */
export interface RetainOptions {
  /**
   * How long the connection may be held, from now. Unless given, the plugin's configured deadline (60 s unless configured). Above the
   * tenant's maximum it is lowered to that maximum; 0 expires as soon as the event has returned.
   */
  deadlineMs?: number;
  /**
   * What happens at the deadline: the connection goes on with the messages that waited (`"resume"`, unless said), after a message,
   * or it is closed.
   */
  onExpiry?: "resume" | { send: Sendable } | { close: { code?: number; reason?: string } };
}

/** How to send. */
export interface SendOptions {
  /**
   * If true, the call returns when the message has been written to the socket and not already when it is in the outbox; if the
   * connection is lost before, the error is `closed`.
   */
  confirm?: boolean;
}

/**
 * A held connection, made from the handle alone, in any instance of any plugin of the same tenant.
 *
 * `send`, `close`, `release`, `sendAfter` and `sendAt` end the retention, and exactly one of them on a handle ever succeeds, whoever
 * races; every other one is `invalid-handle`. After an error that leaves the retention as it was, such as `overloaded`, try again.
 */
export class DelayedWebSocket {
  /** Claims nothing and never fails: whether the handle is good is seen when it is used. */
  constructor(handle: WebSocketHandle);

  /** The handle that it was made from. */
  readonly handle: WebSocketHandle;

  /**
   * Sends the message and ends the retention: the connection goes on with the messages that waited.
   * @throws {DelayedError} `invalid-handle`, `closed`, `too-large`, `overloaded`.
   */
  send(message: Sendable, options?: SendOptions): void;
  /**
   * Sends the value as a JSON text, strings and bytes included, and ends the retention.
   * @throws {DelayedError} Those of `send`.
   */
  sendJson(value: unknown, options?: SendOptions): void;
  /**
   * Closes the connection; without a code with 1000 and no reason. Messages that waited are discarded.
   * @throws {DelayedError} `invalid-handle`, `closed`, `invalid-close-code`, `too-large`.
   */
  close(code?: number, reason?: string): void;
  /**
   * Ends the retention and sends nothing: the connection goes on with the messages that waited.
   * @throws {DelayedError} `invalid-handle`, `closed`.
   */
  release(): void;
  /**
   * Lets a timer of the host send the message after this delay and end the retention then. Nothing of the plugin runs when it
   * fires, and the retention's deadline does not count meanwhile. 0 sends at once.
   * @throws {DelayedError} Those of `send`, `invalid-delay`, `quota-exceeded`.
   */
  sendAfter(message: Sendable, delayMs: number): DeliveryId;
  /**
   * The same at a given time: a Date, or milliseconds since the Unix epoch. A time that has passed sends at once.
   * @throws {DelayedError} Those of `sendAfter`.
   */
  sendAt(message: Sendable, time: Date | number): DeliveryId;
  /**
   * Sends the message and goes on holding: for replies that stream.
   * @throws {DelayedError} Those of `send`.
   */
  push(message: Sendable, options?: SendOptions): void;
  /**
   * Sends the value as a JSON text, strings and bytes included, and goes on holding.
   * @throws {DelayedError} Those of `send`.
   */
  pushJson(value: unknown, options?: SendOptions): void;
  /**
   * Sets the deadline anew, from now; above the tenant's maximum it is lowered to that maximum.
   * @throws {DelayedError} `invalid-handle`, `closed`.
   */
  extend(deadlineMs: number): void;

  /**
   * Takes a delivery back that has not been made. Gives the handle back, still held, its deadline moved by the time that the timer
   * had it.
   * @throws {DelayedError} `unknown-timer`; `closed` if the peer has gone meanwhile.
   */
  static cancel(delivery: DeliveryId): WebSocketHandle;
}

/**
 * A named queue that the plugins of one tenant share. Those that wait are served first come, first served. A call that waits holds
 * no thread of the host.
 */
export class Channel {
  private constructor();

  /**
   * Opens the channel of this name, making it if there is none. The capacity is in items, at most 1,048,576; 0 is a rendezvous: an
   * item passes only from hand to hand.
   * @throws {ChannelError} `wrong-capacity`, `invalid-name`, `too-large`, `quota-exceeded`; `closed` for a name that was closed and
   * is not drained yet.
   */
  static open(name: string, capacity: number): Channel;
  /**
   * Finds a channel that is open, or closed and not drained yet.
   * @throws {ChannelError} `unknown`, `invalid-name`.
   */
  static lookup(name: string): Channel;

  /**
   * Puts an item in, waiting for room (or, at capacity 0, for a receiver) for at most this long, or without limit. An item that was
   * not taken in time is taken back: nobody will receive it.
   * @throws {ChannelError} `timeout`, `closed`, `too-large` (over 1 MiB unless configured), `quota-exceeded`.
   */
  send(item: Storable, timeoutMs?: number): void;
  /**
   * Puts an item in if that is possible at once.
   * @throws {ChannelError} `full`, `closed`, `too-large`, `quota-exceeded`.
   */
  offer(item: Storable): void;
  /**
   * Takes the next item, waiting for at most this long, or without limit.
   * @throws {ChannelError} `timeout`; `closed`: it is closed and there is nothing left in it.
   */
  receive(timeoutMs?: number): Bytes;
  /**
   * Takes the next item if there is one now, or null.
   * @throws {ChannelError} `closed`.
   */
  poll(): Bytes | null;
  /**
   * Shows the next item, if there is one now, and leaves it where it is.
   * @throws {ChannelError} `closed`.
   */
  peek(): Bytes | null;
  /** How many items are in it now. */
  readonly len: number;
  /** How many items it can hold; 0 is a rendezvous. */
  readonly capacity: number;
  /** Closes it for everyone: nothing more goes in, what it holds can still be received. Closing twice is the same as once. */
  close(): void;
}

/**
 * Receives one item from whichever of the channels has one first, and says from which: the position in the list. When several have
 * one, each of them gets its turn. Waits for at most this long, or without limit.
 * @throws {ChannelError} `timeout`; `closed` when all of them are closed and empty; `no-channels`.
 */
export function select(channels: Channel[], timeoutMs?: number): [index: number, item: Bytes];

/** What a repeating timer does with runs that are already past: leaves them out, makes up for each, or for all of them in one. */
export type Missed = "skip" | "burst" | "coalesce";

/** A timer that is pending. */
export interface TimerInfo {
  id: TimerId;
  /** When it runs next, in milliseconds since the Unix epoch. */
  nextMs: number;
  /** What its handler will be given. */
  payload: Bytes;
}

/**
 * Timers that call this plugin's `timer` function, each time in a new event. They belong to the plugin, not to the instance that set
 * them, and live until they are done or cancelled, the plugin is removed, or the host ends. Delays and intervals may be 400 days at
 * most, payloads 64 KiB. What sets one throws a {@link TimerError}: `invalid-schedule`, `no-handler`, `too-large`, `quota-exceeded`.
 */
export const timers: {
  /** Runs once, after this delay. */
  after(delayMs: number, payload?: Storable): TimerId;
  /** Runs once, at this time (a Date, or milliseconds since the Unix epoch); at once if it has passed. */
  at(time: Date | number, payload?: Storable): TimerId;
  /** Runs again and again, this far apart (at least 1 ms), the first time after one interval. It does not drift. */
  every(intervalMs: number, payload?: Storable, options?: { missed?: Missed }): TimerId;
  /**
   * Runs again and again, as a cron expression says: second, minute, hour, day of month, month, day of week; or five fields, without
   * the second. The time zone is a name of the IANA database, such as `Europe/Berlin`; UTC unless given.
   */
  cron(expression: string, payload?: Storable, options?: { timeZone?: string | null; missed?: Missed }): TimerId;
  /**
   * Takes a timer back. A run that has started is not stopped.
   * @throws {TimerError} `unknown`.
   */
  cancel(timer: TimerId): void;
  /** The pending timers of this plugin, those first that run first. */
  list(): TimerInfo[];
  /** Waits, holding no thread of the host. For workers above all: a handler that waits keeps its instance. */
  sleep(delayMs: number): void;
};

/** What the exit channel is offered when a worker ends, as JSON. */
export interface WorkerExit {
  worker: WorkerId;
  name: string;
  outcome: "finished" | "failed" | "trapped";
  /** The text of the error or of the trap; null if it finished. */
  error: string | null;
}

/** Starting workers. A worker is a run of this plugin's `run` function in an instance of its own. */
export const workers: {
  /**
   * Runs this plugin's `run` function once with this name and argument, and returns without waiting for it. When it ends, the channel
   * `exitChannel`, if it is given, is offered a {@link WorkerExit}. A worker that was started like this is not restarted.
   * @throws {WorkerError} `unknown`, `quota-exceeded`, `too-large`, `unknown-channel`.
   */
  start(name: string, argument?: Storable, options?: { exitChannel?: string | null }): WorkerId;
};

/**
 * Sending one message to many connections of the tenant, held ones included. Both functions return how many connections took it into
 * their outbox; those whose outbox is full or that are closing do not. Both throw a {@link BroadcastError}: `too-large`.
 */
export const broadcast: {
  /** To all connections whose path is this one or lies below it: `/chat` is `/chat` and `/chat/blue`, and not `/chatter`. */
  toPath(path: string, message: Sendable): number;
  /** To these connections. Ids that are not connected are passed over; an id given twice gets it once. */
  toConnections(ids: Iterable<ConnectionId>, message: Sendable): number;
};

// Why the host refused. Nothing has happened then. `internal` in all of them: the host failed; its log says how.

/** What all errors of the host have in common. */
export class HoldlineError<Code extends string = string> extends Error {
  protected constructor();
  /** The case, as the contract spells it. */
  readonly code: Code;
  /** What is wrong, where the case says so, or null. */
  readonly text: string | null;
}

/** A retention was refused. The connection is as it was before. */
export class RetainError extends HoldlineError<
  | "already-retained"
  | "closing"
  | "quota-exceeded"
  | "too-large"
  | "invalid-close-code"
  | "not-this-event"
  | "internal"
> {}

/** A request could not be answered. Nothing was sent. */
export class ReplyError extends HoldlineError<
  "retained" | "closed" | "too-large" | "overloaded" | "invalid-close-code" | "not-this-event" | "internal"
> {}

/** A delivery was refused. The retention is left as it was. */
export class DelayedError extends HoldlineError<
  | "invalid-handle"
  | "closed"
  | "too-large"
  | "overloaded"
  | "invalid-close-code"
  | "invalid-delay"
  | "unknown-timer"
  | "quota-exceeded"
  | "internal"
> {}

/** A channel operation did not take place. The channel is as it was. */
export class ChannelError extends HoldlineError<
  | "full"
  | "timeout"
  | "closed"
  | "unknown"
  | "wrong-capacity"
  | "too-large"
  | "invalid-name"
  | "no-channels"
  | "quota-exceeded"
  | "internal"
> {}

/** A timer was refused. The `text` of `invalid-schedule` says what is wrong with it and where. */
export class TimerError extends HoldlineError<
  "invalid-schedule" | "no-handler" | "unknown" | "too-large" | "quota-exceeded" | "internal"
> {}

/** A worker was not started. */
export class WorkerError extends HoldlineError<
  "unknown" | "quota-exceeded" | "too-large" | "unknown-channel" | "internal"
> {}

/** A broadcast reached nobody. */
export class BroadcastError extends HoldlineError<"too-large" | "internal"> {}
