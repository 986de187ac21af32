"""What a handler can do with the connection whose event it is handling."""

from typing import Any, Self

from wit_world.imports import requests as wire

from holdline._values import (
    Bytes,
    Duration,
    Header,
    first_header,
    from_json,
    json_message,
    to_bytes,
    to_frame,
    to_json,
    to_message,
    to_optional_millis,
)
from holdline.error import Refused, ask


class RetainError(Refused):
    """Why a retention was refused. The connection is then as it was before."""

    texts = {
        # This event has retained before, used since then or not.
        "already-retained": "this event has already retained the connection",
        # The connection is closing, or its peer has gone, or this is its close event, or the host is stopping.
        "closing": "the connection is closing",
        "quota-exceeded": "the tenant holds as many connections as it may",
        "too-large": "the message or the close reason of the expiry is over its limit",
        "invalid-close-code": "the close code of the expiry is one that an endpoint may not send",
        "not-this-event": "the request is not the one of this event",
        "internal": "the host failed; its log says how",
    }


class ReplyError(Refused):
    """Why a request could not be answered. Nothing was sent."""

    texts = {
        "retained": "the event has retained the connection: answer through a DelayedWebSocket",
        "closed": "the connection is closed",
        "too-large": "the message, the attachment or the close reason is over its limit",
        # The client reads more slowly than it is sent to.
        "overloaded": "the connection's outbox is full",
        "invalid-close-code": "the close code is one that an endpoint may not send",
        "not-this-event": "the request is not the one of this event",
        "internal": "the host failed; its log says how",
    }


class Expiry:
    """What happens to a held connection when nobody has used its handle by the deadline."""

    def __init__(self, wire: wire.Expiry) -> None:
        self._wire = wire

    @classmethod
    def resume(cls) -> Self:
        """The connection goes on with the messages that waited. This is what happens if nothing is said."""
        return cls(wire.Expiry_Resume())

    @classmethod
    def close(cls, code: int = 1000, reason: str = "") -> Self:
        """The connection is closed with this code and this reason (at most 123 bytes of UTF-8)."""
        return cls(wire.Expiry_Close(to_frame(code, reason)))

    @classmethod
    def send(cls, message: object) -> Self:
        """This message is sent, as `Request.send` would, and the connection goes on with the messages that waited."""
        return cls(wire.Expiry_Send(to_message(message)))


class Request:
    """One event (open, message or close) of one connection. It is good until the event's handler returns; what outlives the
    event is the handle that `retain_web_socket` gives.

    Every property and method asks the host anew: keep what you use twice.
    """

    def __init__(self, number: int) -> None:
        """For the border alone: only the host knows which numbers are good."""
        self._number = number

    def retain_web_socket(self, deadline: Duration | None = None, on_expiry: Expiry | None = None) -> int:
        """Holds the connection and gives the handle: when this event returns, its next one waits until the handle is used or
        its deadline has passed. Works once per event, in open and message events. After it the request can be read, but not
        answered.

        The handle is a plain number: send it through a channel, a queue or a database as you like. If the event then fails,
        the retention is undone and the connection closed.

        The deadline counts from now; above the tenant's maximum it is lowered to that maximum, and 0 expires as soon as the
        event has returned. None means the plugin's configured deadline (60 s unless configured). `on_expiry` says what happens
        then; None means `Expiry.resume()`.

        Raises `RetainError`, with the connection as it was before.
        """
        expiry = None if on_expiry is None else on_expiry._wire
        options = wire.RetainOptions(to_optional_millis(deadline), expiry)
        return ask(RetainError, wire.retain_web_socket, self._number, options)

    def send(self, message: object) -> None:
        """Sends a message to the client, in the order of the calls: `str` as text, bytes as binary, and anything else as a JSON
        text. Success means that it is in the connection's outbox.

        Raises `ReplyError`: `retained`, `closed`, `too-large`, `overloaded`. What JSON has no words for is a `TypeError` or a
        `ValueError`.
        """
        ask(ReplyError, wire.send_web_socket, self._number, to_message(message))

    def send_json(self, value: object) -> None:
        """Sends the value as a JSON text, a `str`, too. Raises what `send` does."""
        ask(ReplyError, wire.send_web_socket, self._number, json_message(value))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to
        4999) and this reason (at most 123 bytes of UTF-8). The event goes on; messages that waited are discarded; the close
        event comes when the client has answered or the close handshake has timed out.

        Raises `ReplyError`: `retained`, `closed`, `invalid-close-code`, `too-large`.
        """
        ask(ReplyError, wire.close_web_socket, self._number, to_frame(code, reason))

    @property
    def id(self) -> str:
        """The id of the connection: unguessable, unique, and the same in all its events."""
        return wire.web_socket_id(self._number)

    @property
    def path(self) -> str:
        """The path that the client asked for, percent-encoded as it was sent, without the query."""
        return wire.path(self._number)

    @property
    def query(self) -> str:
        """The query that the client asked for, without the question mark, percent-encoded as it was sent; empty if there was
        none."""
        return wire.query(self._number)

    @property
    def headers(self) -> list[Header]:
        """The headers of the upgrade request, in the order in which they came: `name` in lower case, and `value` as bytes."""
        return wire.headers(self._number)

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case. Bytes that are not UTF-8 become U+FFFD; `headers` has them as they are."""
        return first_header(self.headers, name)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on, if any."""
        return wire.subprotocol(self._number)

    @property
    def remote_address(self) -> str:
        """The client's address and port, as in `192.0.2.7:50123` or `[2001:db8::7]:50123`."""
        return wire.remote_address(self._number)

    @property
    def attachment(self) -> bytes:
        """The connection's attachment: bytes of the plugin's own that live as long as the connection. Empty until it is set."""
        return wire.attachment(self._number)

    def attachment_json(self) -> Any:
        """Reads the attachment as JSON; None if it is empty. Raises `ValueError` if it is not JSON."""
        attachment = self.attachment
        return from_json(attachment) if attachment else None

    def set_attachment(self, attachment: Bytes | str) -> None:
        """Replaces the attachment; a text becomes UTF-8. It can be set while retained and in a close event.

        Raises `ReplyError`: `too-large` over the limit (64 KiB unless configured).
        """
        ask(ReplyError, wire.set_attachment, self._number, to_bytes(attachment))

    def set_attachment_json(self, value: object) -> None:
        """Replaces the attachment with the value as JSON. Raises what `set_attachment` does."""
        ask(ReplyError, wire.set_attachment, self._number, to_json(value).encode())
