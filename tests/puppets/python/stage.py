"""Where the commands of one event are played, one after the other, and what came of each is written down."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from holdline import (
    Channel,
    ChannelError,
    DelayedWebSocket,
    Error,
    Expiry,
    Refused,
    Request,
    broadcast,
    select,
    timers,
    workers,
)

Command = dict[str, Any]


class Stage:
    """One event, or a call that belongs to no connection."""

    def __init__(self, request: Request | None) -> None:
        self.request = request
        self.handle: int | None = None
        # Kept for the event, so that what is closed and drained can still be asked.
        self.channels: dict[str, Channel] = {}

    def play(self, commands: list[Command]) -> list[Any]:
        """What came of each."""
        return [self.play_one(command) for command in commands]

    def play_one(self, command: Command) -> Any:
        arguments = {name.replace("-", "_"): value for name, value in command.items()}
        name = arguments.pop("do").replace("-", "_")
        if self.request is None and name in OF_REQUEST:
            return {"error": "there is no request here"}
        try:
            return {"ok": COMMANDS[name](self, **arguments)}
        except Refused as error:
            case = "".join(word.title() for word in error.case.split("-"))
            return {"error": case} if error.text is None else {"error": case, "text": error.text}

    def channel(self, name: str) -> Channel:
        if name not in self.channels:
            self.channels[name] = Channel.lookup(name)
        return self.channels[name]

    def held(self, handle: int | None) -> DelayedWebSocket:
        # 0 is never a handle: what was not retained is invalid.
        return DelayedWebSocket(handle or self.handle or 0)

    def asked(self) -> Request:
        assert self.request is not None
        return self.request


COMMANDS: dict[str, Callable[..., Any]] = {}


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command has the name of its function, without what sets it apart from a word of Python."""
    COMMANDS[function.__name__.removesuffix("_")] = function
    return function


# Of the request under way.


@command
def describe(stage: Stage) -> Any:
    request = stage.asked()
    return {
        "id": request.id,
        "path": request.path,
        "query": request.query,
        "headers": [[header.name, text_of(header.value)] for header in request.headers],
        "subprotocol": request.subprotocol,
        "remote-address": request.remote_address,
    }


@command
def retain(stage: Stage, deadline_ms: int | None = None, expiry: Any = None) -> int:
    deadline = None if deadline_ms is None else millis(deadline_ms)
    stage.handle = stage.asked().retain_web_socket(deadline, expiry_of(expiry))
    return stage.handle


@command
def send(stage: Stage, text: str) -> None:
    stage.asked().send(text)


@command
def send_json(stage: Stage, value: Any) -> None:
    stage.asked().send_json(value)


@command
def send_bytes(stage: Stage, count: int) -> None:
    stage.asked().send(b"x" * count)


@command
def close(stage: Stage, code: int = 1000, reason: str | None = None) -> None:
    stage.asked().close(code, reason or "")


@command
def attachment(stage: Stage) -> str:
    return text_of(stage.asked().attachment)


@command
def attach(stage: Stage, text: str) -> None:
    stage.asked().set_attachment(text)


@command
def attach_bytes(stage: Stage, count: int) -> None:
    stage.asked().set_attachment(bytes(count))


OF_REQUEST = set(COMMANDS)


# Of whoever knows the handle.


@command
def deliver(stage: Stage, text: str, handle: int | None = None) -> None:
    stage.held(handle).send(text)


@command
def deliver_json(stage: Stage, value: Any, handle: int | None = None) -> None:
    stage.held(handle).send_json(value)


@command
def deliver_confirmed(stage: Stage, text: str, handle: int | None = None) -> None:
    stage.held(handle).send_confirmed(text)


@command
def push(stage: Stage, text: str, handle: int | None = None) -> None:
    stage.held(handle).push(text)


@command
def push_bytes(stage: Stage, count: int, handle: int | None = None) -> None:
    stage.held(handle).push(b"x" * count)


@command
def close_held(stage: Stage, handle: int | None = None, code: int = 1000, reason: str | None = None) -> None:
    stage.held(handle).close(code, reason or "")


@command
def release(stage: Stage, handle: int | None = None) -> None:
    stage.held(handle).release()


@command
def extend(stage: Stage, deadline_ms: int, handle: int | None = None) -> None:
    stage.held(handle).extend(millis(deadline_ms))


@command
def send_after(stage: Stage, text: str, delay_ms: int, handle: int | None = None) -> int:
    return stage.held(handle).send_after(text, millis(delay_ms))


@command
def send_at(stage: Stage, text: str, unix_ms: int, handle: int | None = None) -> int:
    return stage.held(handle).send_at(text, unix_ms / 1000)


@command
def cancel(stage: Stage, delivery: int) -> int:
    return DelayedWebSocket.cancel(delivery)


# Of channels, by name.


@command
def open_(stage: Stage, channel: str, capacity: int) -> None:
    stage.channels[channel] = Channel.open(channel, capacity)


@command
def put(stage: Stage, channel: str, item: Any, timeout_ms: int | None = None) -> None:
    stage.channel(channel).send_json(item, waiting(timeout_ms))


@command
def offer(stage: Stage, channel: str, item: Any) -> None:
    stage.channel(channel).offer_json(item)


@command
def offer_handle(stage: Stage, channel: str) -> None:
    stage.channel(channel).offer_json(stage.handle)


@command
def receive(stage: Stage, channel: str, timeout_ms: int | None = None) -> Any:
    return item_of(stage.channel(channel).receive(waiting(timeout_ms)))


@command
def poll(stage: Stage, channel: str) -> Any:
    return item_of(stage.channel(channel).poll())


@command
def peek(stage: Stage, channel: str) -> Any:
    return item_of(stage.channel(channel).peek())


@command
def select_(stage: Stage, channels: list[str], timeout_ms: int | None = None) -> Any:
    position, item = select([stage.channel(name) for name in channels], waiting(timeout_ms))
    return [position, item_of(item)]


@command
def len_(stage: Stage, channel: str) -> int:
    return len(stage.channel(channel))


@command
def capacity(stage: Stage, channel: str) -> int:
    return stage.channel(channel).capacity


@command
def close_channel(stage: Stage, channel: str) -> None:
    stage.channel(channel).close()


# Of time, workers, and everyone.


@command
def timer(stage: Stage, when: Any, payload: Any, missed: timers.Missed = "skip") -> int:
    ((name, value),) = when.items()
    commands = json.dumps(payload)
    if name == "after-ms":
        return timers.after(millis(value), commands)
    if name == "at-ms":
        return timers.at(value / 1000, commands)
    if name == "every-ms":
        return timers.every(millis(value), commands, missed or "skip")
    return timers.cron(value["expression"], commands, time_zone=value.get("zone"), missed=missed or "skip")


@command
def cancel_timer(stage: Stage, timer: int) -> None:
    timers.cancel(timer)


@command
def timers_(stage: Stage) -> Any:
    return [
        {"id": timer.id, "next-ms": round(timer.next.timestamp() * 1000), "payload": text_of(timer.payload)}
        for timer in timers.list()
    ]


@command
def sleep(stage: Stage, ms: int) -> None:
    timers.sleep(millis(ms))


@command
def start(stage: Stage, name: str, commands: Any, exit_channel: str | None = None) -> int:
    return workers.start(name, json.dumps(commands), exit_channel)


@command
def broadcast_(stage: Stage, text: str, path: str | None = None, ids: list[str] | None = None) -> int:
    return broadcast.to_connections(ids or [], text) if path is None else broadcast.to_path(path, text)


# Of what should never be done.


@command
def print_(stage: Stage, text: str) -> None:
    print(text)


@command
def print_error(stage: Stage, text: str) -> None:
    print(text, file=sys.stderr)


@command
def fail(stage: Stage, text: str) -> None:
    raise Error(text)


@command
def trap(stage: Stage) -> None:
    os.abort()


@command
def trap_until_full(stage: Stage, channel: str) -> None:
    try:
        stage.channel(channel).offer(b"")
    except ChannelError as error:
        if error.case == "full":
            return
    os.abort()


@command
def loop(stage: Stage) -> None:
    while True:
        pass


@command
def eat(stage: Stage) -> int:
    """Takes memory until there is no more."""
    eaten: list[bytes] = []
    while len(eaten) <= 1 << 12:
        eaten.append(b"\1" * (1 << 20))
    return len(eaten)


@command
def recurse(stage: Stage) -> int:
    """Deeper than any stack is."""

    def deeper(depth: int) -> int:
        return deeper(depth + 1) + 1

    sys.setrecursionlimit(2**31 - 1)
    return deeper(0)


def expiry_of(expiry: Any) -> Expiry | None:
    if expiry is None:
        return None
    if expiry == "resume":
        return Expiry.resume()
    ((name, value),) = expiry.items()
    return Expiry.send(value["text"]) if name == "send" else Expiry.close(value["code"], value["reason"])


def millis(ms: int) -> float:
    return ms / 1000


def waiting(timeout_ms: int | None) -> float | None:
    return None if timeout_ms is None else timeout_ms / 1000


def item_of(item: bytes | None) -> Any:
    """Items are JSON here, but whoever closed or ended may have put in something else."""
    if item is None:
        return None
    try:
        return json.loads(item)
    except ValueError:
        return text_of(item)


def text_of(data: bytes) -> str:
    return data.decode(errors="replace")
