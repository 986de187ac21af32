"""Writes Holdline plugins in Python: decorators for what a plugin is called for, and what it may use.

A plugin is a module `plugin.py` with some functions that are decorated:

    from holdline import Message, Request, on_message

    @on_message
    def echo(request: Request, message: Message) -> None:
        request.send(message)

To answer later, `Request.retain_web_socket` gives a number, and `DelayedWebSocket` is made from that number anywhere: in a
worker, in a timer, in another plugin of the same tenant.

Times that last are seconds, as a number or a `timedelta`, and are rounded up to whole milliseconds, so that nothing comes
earlier than asked; a negative one is 0. Points in time are a `datetime`, or seconds since the Unix epoch.

Outside of a host every function that asks the host raises `NotImplementedError`; what can be tested there is the plugin's own
logic.
"""

from holdline import broadcast, timers, workers
from holdline._values import CloseFrame, Header, Message
from holdline.channel import Channel, ChannelError, select
from holdline.connect import Acceptance, Refusal, Upgrade
from holdline.delayed import DelayedError, DelayedWebSocket
from holdline.error import Error, Refused
from holdline.handlers import (
    CloseInfo,
    on_close,
    on_connect,
    on_item,
    on_message,
    on_migrate,
    on_open,
    on_timer,
    worker,
)
from holdline.logs import log
from holdline.request import Expiry, ReplyError, Request, RetainError

__all__ = [
    "Acceptance",
    "Channel",
    "ChannelError",
    "CloseFrame",
    "CloseInfo",
    "DelayedError",
    "DelayedWebSocket",
    "Error",
    "Expiry",
    "Header",
    "Message",
    "Refusal",
    "Refused",
    "ReplyError",
    "Request",
    "RetainError",
    "Upgrade",
    "broadcast",
    "log",
    "on_close",
    "on_connect",
    "on_item",
    "on_message",
    "on_migrate",
    "on_open",
    "on_timer",
    "select",
    "timers",
    "worker",
    "workers",
]
