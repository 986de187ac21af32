"""Sending one message to many connections of the tenant, held ones included.

Both functions return how many connections took the message into their outbox. Those whose outbox is full or that are closing do
not take it. Reaching no connection is no error, but 0. A message is given as to `Request.send`.
"""

from collections.abc import Iterable

from wit_world.imports import broadcast as wire

from holdline._values import encodable, to_message
from holdline.error import Refused, ask


class BroadcastError(Refused):
    """Why nothing was sent to anybody."""

    texts = {
        "too-large": "the message is over the message limit",
        "internal": "the host failed; its log says how",
    }


def to_path(path: str, message: object) -> int:
    """Sends to all connections whose path is this one or lies below it: `/chat` is `/chat` and `/chat/blue`, and not `/chatter`.

    Raises `BroadcastError`: `too-large`.
    """
    return ask(BroadcastError, wire.send, wire.Audience_Path(encodable(path)), to_message(message))


def to_connections(ids: Iterable[str], message: object) -> int:
    """Sends to these connections. Ids that are not connected are passed over; an id given twice gets it once.

    Raises `BroadcastError`: `too-large`.
    """
    audience = wire.Audience_Connections([encodable(id) for id in ids])
    return ask(BroadcastError, wire.send, audience, to_message(message))
