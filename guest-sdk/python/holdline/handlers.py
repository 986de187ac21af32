"""What a plugin can be called for: decorators, each for one function of the plugin.

A plugin has any subset of them, and each at most once. What it does not have it does not export. An instance may be fresh for
each event, so what is to last belongs in the connection's attachment, in a channel, or in the payload of a timer.

An exception in a handler is printed with its traceback to the plugin's log. It undoes the event's retention and closes the
connection with 1011.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from holdline._values import Bytes, CloseFrame, Message
from holdline.connect import Acceptance, Upgrade
from holdline.request import Request


@dataclass(frozen=True)
class CloseInfo:
    """How a connection ended."""

    frame: CloseFrame | None
    """The Close frame that the peer sent, or else the one that the host sent: `code` and `reason`. None if the connection broke
    without one."""
    clean: bool
    """True if both sides have said Close before the connection ended."""


ConnectHandler = Callable[[Upgrade], Acceptance | None]
OpenHandler = Callable[[Request], None]
MessageHandler = Callable[[Request, Message], None]
CloseHandler = Callable[[Request, CloseInfo], None]
Worker = Callable[[str, bytes], None]
TimerHandler = Callable[[int, bytes], None]
ItemHandler = Callable[[str, bytes], None]
Migration = Callable[[bytes, str], Bytes | str]

F = TypeVar("F", bound=Callable[..., object])

# Which interface of the contract each decorator makes the plugin export.
INTERFACES = {
    "on_connect": "connect-handler",
    "on_open": "handler",
    "on_message": "handler",
    "on_close": "handler",
    "worker": "worker",
    "on_timer": "timer-handler",
    "on_item": "channel-handler",
    "on_migrate": "migration",
}

# By the name of the decorator. Filled while the plugin is imported, and not changed afterwards.
registered: dict[str, Callable[..., object]] = {}


def exports() -> list[str]:
    """The interfaces that the plugin exports, by their names in the contract."""
    return sorted({INTERFACES[name] for name in registered})


def on_connect(handler: ConnectHandler) -> ConnectHandler:
    """Is called before the upgrade with an `Upgrade`. Returns an `Acceptance`, or None for one without subprotocol and
    attachment; raises `Refusal` to answer with an HTTP response instead. Without this handler everyone may connect.

    Any other exception answers the client with 500 and an empty body.
    """
    return _register("on_connect", handler)


def on_open(handler: OpenHandler) -> OpenHandler:
    """The connection is open. Comes once, before any message."""
    return _register("on_open", handler)


def on_message(handler: MessageHandler) -> MessageHandler:
    """The client sent a message: a text is `str`, a binary one `bytes`. They come one at a time and in order, and the next one
    waits while the connection is held."""
    return _register("on_message", handler)


def on_close(handler: CloseHandler) -> CloseHandler:
    """The connection has ended. Comes exactly once for each connection that was opened, after all its messages, with a
    `CloseInfo`. Nothing can be sent any more; the request can be read."""
    return _register("on_close", handler)


def worker(handler: Worker) -> Worker:
    """Runs on its own, beside the connections, with a name and an argument: those of the plugin's manifest, in as many instances
    as it says, and once for each `workers.start`. One that returns is done. One of the manifest that raises an exception is run
    again after a pause, 100 ms at first and doubled each time up to 30 s."""
    return _register("worker", handler)


def on_timer(handler: TimerHandler) -> TimerHandler:
    """A timer of the plugin is due: its id and its payload. Runs of one timer never overlap. An exception goes to the log; a
    repeating timer goes on."""
    return _register("on_timer", handler)


def on_item(handler: ItemHandler) -> ItemHandler:
    """An item was taken from a channel that the plugin's manifest names: the name of the channel and the item. As many calls run
    at once as the manifest says. An exception goes to the log; the item is gone."""
    return _register("on_item", handler)


def on_migrate(handler: Migration) -> Migration:
    """A connection that has an attachment moves to this version of the plugin from another one, which is another component: by a
    deploy, by a rollback, to a canary and back. It is given the attachment and the digest of the version that the connection comes
    from, `sha256:` and 64 hexadecimal digits. What it returns is the attachment from then on: bytes, or a text, which becomes UTF-8;
    an empty one is none. Comes once for each move, before the first event that this version handles. There is no request: nothing
    can be sent to the connection, nor can it be retained. Without this function attachments stay as they are.

    An exception goes to the log, and the connection is closed with 1011; so it is with an attachment over the limit. The version
    that it comes from gets the close event, with the attachment as it was."""
    return _register("on_migrate", handler)


def _register(name: str, handler: F) -> F:
    if inspect.iscoroutinefunction(handler):
        raise TypeError(f"`{name}` takes a plain function: the host lets other events run while a call waits, without async")
    if name in registered:
        raise ValueError(f"there are two functions with `{name}`: {registered[name].__qualname__} and {handler.__qualname__}")
    registered[name] = handler
    return handler
