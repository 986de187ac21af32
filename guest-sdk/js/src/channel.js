// Named queues that the plugins of one tenant share.

import wire from "#host/channels";
import { asBytes } from "./bytes.js";
import { ChannelError, ask } from "./error.js";
import { keepFor } from "./resource.js";
import { bytes, limit, string } from "./values.js";

/** One channel. */
export class Channel {
  #channel;

  constructor(channel) {
    this.#channel = channel;
    keepFor(this, channel);
  }

  static open(name, capacity) {
    const room = roomFor(capacity);
    return new Channel(ask(ChannelError, () => wire.Channel.open(string(name), room)));
  }

  static lookup(name) {
    return new Channel(ask(ChannelError, () => wire.Channel.lookup(string(name))));
  }

  send(item, timeoutMs) {
    const [list, timeout] = [bytes(item), limit(timeoutMs)];
    ask(ChannelError, () => this.#channel.send(list, timeout));
  }

  offer(item) {
    const list = bytes(item);
    ask(ChannelError, () => this.#channel.offer(list));
  }

  receive(timeoutMs) {
    const timeout = limit(timeoutMs);
    return asBytes(ask(ChannelError, () => this.#channel.receive(timeout)));
  }

  poll() {
    return perhaps(ask(ChannelError, () => this.#channel.poll()));
  }

  peek() {
    return perhaps(ask(ChannelError, () => this.#channel.peek()));
  }

  get len() {
    return this.#channel.len();
  }

  get capacity() {
    return this.#channel.capacity();
  }

  close() {
    this.#channel.close();
  }

  static select(channels, timeoutMs) {
    const list = channels.map((channel) => channel.#channel);
    const timeout = limit(timeoutMs);
    const [index, item] = ask(ChannelError, () => wire.select(list, timeout));
    return [index, asBytes(item)];
  }
}

export const { select } = Channel;

function perhaps(item) {
  return item === undefined || item === null ? null : asBytes(item);
}

// A capacity that is over the bindings' largest number is over the contract's, too: the host says so.
function roomFor(capacity) {
  if (!Number.isInteger(capacity) || capacity < 0) throw new TypeError(`${String(capacity)} is not a capacity`);
  return Math.min(capacity, 0x7fffffff);
}
