"""Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers by that
number alone.

Three messages sent at once by one client come back one after the other: the connection is held during each of them.
"""

import time
from collections import deque

from holdline import (
    Channel,
    ChannelError,
    DelayedError,
    DelayedWebSocket,
    Error,
    Message,
    Request,
    on_message,
    on_open,
    worker,
)

# The way from the handlers to the workers.
CHANNEL = "background"

# Over a thousand clients may wait; the next one is told that there is too much to do.
CAPACITY = 1024


@on_open
def greet(request: Request) -> None:
    request.send("hello from mirror")


@on_message
def hold(request: Request, message: Message) -> None:
    if not isinstance(message, str):
        request.send({"error": "mirror takes text"})
        return
    handle = request.retain_web_socket()
    try:
        Channel.open(CHANNEL, CAPACITY).offer({"webSocketHandle": handle, "msg": message})
    except ChannelError as error:
        # Nobody else knows the handle: the client would wait until the deadline.
        DelayedWebSocket(handle).send({"error": str(error)})


@worker
def answer_in_turn(name: str, argument: bytes) -> None:
    delay = seconds(argument)
    channel = Channel.open(CHANNEL, CAPACITY)
    # All of them wait equally long, so the one that came first is due first, and one worker can wait for any number.
    waiting: deque[tuple[float, int, str]] = deque()
    while True:
        try:
            item = channel.receive_json(timeout=waiting[0][0] - time.monotonic() if waiting else None)
            waiting.append((time.monotonic() + delay, item["webSocketHandle"], item["msg"]))
        except ChannelError as error:
            if error.case == "timeout":
                answer(*waiting.popleft()[1:])
            elif error.case == "closed":
                return
            else:
                raise
        except (KeyError, TypeError, ValueError) as error:
            print(f"passed over an item that is not one of ours: {error}")


def answer(handle: int, msg: str) -> None:
    """Needs nothing but the number: the connection may be any, and the instance that held it is long gone."""
    try:
        DelayedWebSocket(handle).send({"mirrored": msg[::-1], "msg": msg})
    except DelayedError as error:
        print(f"could not answer {handle}: {error}")


def seconds(argument: bytes) -> float:
    """The argument is a number of milliseconds, as text. A second if it says nothing."""
    text = argument.decode(errors="replace")
    if not text:
        return 1
    if not text.isdecimal():
        raise Error(f"the argument `{text}` is not a number of milliseconds")
    return int(text) / 1000
