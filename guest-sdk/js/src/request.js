// What a handler can do with the connection whose event it is handling.

import wire from "#host/requests";
import { asBytes } from "./bytes.js";
import { firstHeader, headersOf } from "./connect.js";
import { ReplyError, RetainError, ask } from "./error.js";
import { bytes, closeFrame, json, limit, messageOf, u64 } from "./values.js";

/** One event of one connection. Every property asks the host anew. */
export class Request {
  #number;

  constructor(number) {
    this.#number = u64(number);
  }

  get id() {
    return wire.webSocketId(this.#number);
  }

  get path() {
    return wire.path(this.#number);
  }

  get query() {
    return wire.query(this.#number);
  }

  get headers() {
    return headersOf(wire.headers(this.#number));
  }

  header(name) {
    return firstHeader(this.headers, name);
  }

  get subprotocol() {
    return wire.subprotocol(this.#number) ?? null;
  }

  get remoteAddress() {
    return wire.remoteAddress(this.#number);
  }

  get attachment() {
    return asBytes(wire.attachment(this.#number));
  }

  attachmentJson() {
    const attachment = this.attachment;
    return attachment.length === 0 ? null : attachment.json();
  }

  setAttachment(value) {
    const list = bytes(value);
    ask(ReplyError, () => wire.setAttachment(this.#number, list));
  }

  send(value) {
    const sent = messageOf(value);
    ask(ReplyError, () => wire.sendWebSocket(this.#number, sent));
  }

  sendJson(value) {
    this.send(json(value));
  }

  close(code, reason) {
    const frame = closeFrame(code, reason);
    ask(ReplyError, () => wire.closeWebSocket(this.#number, frame));
  }

  retainWebSocket(options) {
    const said = options && { deadlineMs: limit(options.deadlineMs), onExpiry: expiry(options.onExpiry) };
    return Number(ask(RetainError, () => wire.retainWebSocket(this.#number, said)));
  }
}

function expiry(value) {
  if (value === undefined || value === null) return undefined;
  if (value === "resume") return { tag: "resume" };
  if (value.close) return { tag: "close", val: closeFrame(value.close.code ?? 1000, value.close.reason) };
  if ("send" in value) return { tag: "send", val: messageOf(value.send) };
  throw new TypeError('onExpiry is "resume", { send: message } or { close: { code, reason } }');
}
