// Where the commands of one event are played, one after the other, and what came of each is written down.

import {
  Channel,
  ChannelError,
  DelayedWebSocket,
  HoldlineError,
  Request,
  broadcast,
  select,
  timers,
  workers,
} from "holdline";

/** One event, or a call that belongs to no connection. */
export class Stage {
  handle = null;
  // Kept for the event, so that what is closed and drained can still be asked.
  #channels = new Map();
  #request;

  constructor(request) {
    this.#request = request;
  }

  /** What came of each. */
  play(commands) {
    return commands.map((command) => this.#outcome(command));
  }

  // A value, or the name of the error's case and its text, where it has one.
  #outcome(command) {
    const act = this.#act(command);
    if (act === undefined) throw new Error(`there is no command ${command.do}`);
    if (act === null) return { error: "there is no request here" };
    try {
      return { ok: act() ?? null };
    } catch (error) {
      if (!(error instanceof HoldlineError)) throw error;
      const name = error.code.replace(/(^|-)(.)/g, (_, __, letter) => letter.toUpperCase());
      return error.text === null ? { error: name } : { error: name, text: JSON.stringify(error.text) };
    }
  }

  #act(command) {
    const own = this.#ofRequest(command);
    if (own) return this.#request ? own : null;
    return this.#ofHandle(command) ?? this.#ofChannel(command) ?? ofOthers(command) ?? this.#ofFailure(command);
  }

  #ofRequest({ do: name, text, value, count, code, reason, ...options }) {
    const request = this.#request;
    return {
      describe: () => ({
        headers: request.headers.map((header) => [header.name, header.value.text()]),
        id: request.id,
        path: request.path,
        query: request.query,
        "remote-address": request.remoteAddress,
        subprotocol: request.subprotocol,
      }),
      retain: () => (this.handle = request.retainWebSocket(retainOptions(options))),
      send: () => request.send(text),
      "send-json": () => request.sendJson(value),
      "send-bytes": () => request.send(letters(count)),
      close: () => request.close(code, reason),
      attachment: () => request.attachment.text(),
      attach: () => request.setAttachment(text),
      "attach-bytes": () => request.setAttachment(new Uint8Array(count)),
    }[name];
  }

  #ofHandle({ do: name, handle, text, value, count, code, reason, delivery, ...times }) {
    // 0 is never a handle: what was not retained is invalid.
    const held = new DelayedWebSocket(handle ?? this.handle ?? 0);
    return {
      deliver: () => held.send(text),
      "deliver-json": () => held.sendJson(value),
      "deliver-confirmed": () => held.send(text, { confirm: true }),
      push: () => held.push(text),
      "push-bytes": () => held.push(letters(count)),
      "close-held": () => held.close(code, reason),
      release: () => held.release(),
      extend: () => held.extend(times["deadline-ms"]),
      "send-after": () => held.sendAfter(text, times["delay-ms"]),
      "send-at": () => held.sendAt(text, times["unix-ms"]),
      cancel: () => DelayedWebSocket.cancel(delivery),
    }[name];
  }

  #ofChannel({ do: name, channel, capacity, item, channels, "timeout-ms": timeout }) {
    const json = () => JSON.stringify(item);
    return {
      open: () => void this.#channels.set(channel, Channel.open(channel, capacity)),
      put: () => this.#channel(channel).send(json(), timeout),
      offer: () => this.#channel(channel).offer(json()),
      "offer-handle": () => this.#channel(channel).offer(this.handle),
      receive: () => shown(this.#channel(channel).receive(timeout)),
      poll: () => shown(this.#channel(channel).poll()),
      peek: () => shown(this.#channel(channel).peek()),
      len: () => this.#channel(channel).len,
      capacity: () => this.#channel(channel).capacity,
      "close-channel": () => this.#channel(channel).close(),
      select: () => {
        const [index, taken] = select(channels.map((name) => this.#channel(name)), timeout);
        return [index, shown(taken)];
      },
    }[name];
  }

  #channel(name) {
    if (!this.#channels.has(name)) this.#channels.set(name, Channel.lookup(name));
    return this.#channels.get(name);
  }

  #ofFailure({ do: name, text, channel }) {
    return {
      fail: () => {
        throw new Error(text);
      },
      trap,
      "trap-until-full": () => {
        try {
          this.#channel(channel).offer("");
        } catch (error) {
          if (error instanceof ChannelError && error.code === "full") return;
        }
        trap();
      },
      loop: () => {
        for (;;);
      },
      eat,
      recurse: () => recurse(0),
    }[name];
  }
}

/** Commands that need neither a connection nor a channel. */
function ofOthers({ do: name, text, when, payload, missed, timer, ms, name: worker, commands, path, ids, ...options }) {
  return {
    timer: () => setTimer(when, JSON.stringify(payload), missed),
    "cancel-timer": () => timers.cancel(timer),
    timers: () => timers.list().map(({ id, nextMs, payload }) => ({ id, "next-ms": nextMs, payload: payload.text() })),
    sleep: () => timers.sleep(ms),
    start: () => workers.start(worker, JSON.stringify(commands), { exitChannel: options["exit-channel"] }),
    broadcast: () => (path === undefined ? broadcast.toConnections(ids ?? [], text) : broadcast.toPath(path, text)),
    print: () => console.log(text),
    "print-error": () => console.error(text),
  }[name];
}

function setTimer(when, payload, missed) {
  if ("after-ms" in when) return timers.after(when["after-ms"], payload);
  if ("at-ms" in when) return timers.at(when["at-ms"], payload);
  if ("every-ms" in when) return timers.every(when["every-ms"], payload, { missed });
  return timers.cron(when.cron.expression, payload, { timeZone: when.cron.zone, missed });
}

function retainOptions({ "deadline-ms": deadlineMs, expiry }) {
  if (deadlineMs === undefined && expiry === undefined) return undefined;
  return { deadlineMs, onExpiry: expiry?.send ? { send: expiry.send.text } : expiry };
}

/** Items are JSON here, but whoever closed or ended may have put in something else. */
function shown(item) {
  try {
    return item && item.json();
  } catch {
    return item.text();
  }
}

function letters(count) {
  return new Uint8Array(count).fill("x".charCodeAt(0));
}

/** An exception is an error. A trap is what the host makes of a number that is no request of this event. */
export function trap() {
  new Request(0).path;
}

/** Takes memory until there is no more. */
function eat() {
  const eaten = [];
  while (eaten.length <= 1 << 12) eaten.push(new Uint8Array(1 << 20).fill(1));
  return eaten.length;
}

/** Deeper than any stack is. */
function recurse(depth) {
  return recurse(depth + 1) + 1;
}
