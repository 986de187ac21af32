"""Delivering to a connection that is held, from anywhere, given only the number."""

from wit_world.imports import delayed as wire

from holdline._values import Duration, Time, json_message, to_frame, to_handle, to_id, to_message, to_millis, to_unix_millis
from holdline.error import Refused, ask


class DelayedError(Refused):
    """Why a delivery was refused. The retention is left as it was."""

    texts = {
        # It was never given out, was used, has expired, or belongs to another tenant: one error for all of them.
        "invalid-handle": "the handle is not valid (any more)",
        "closed": "the connection is closed",
        "too-large": "the message or the close reason is over its limit",
        # The handle is still valid: try again later.
        "overloaded": "the connection's outbox is full",
        "invalid-close-code": "the close code is one that an endpoint may not send",
        # 400 days unless configured.
        "invalid-delay": "the delay is longer than the tenant's longest",
        # It was never set, was made or was cancelled, or belongs to another tenant.
        "unknown-timer": "there is no such delivery pending",
        "quota-exceeded": "the tenant has as many timers as it may",
        "internal": "the host failed; its log says how",
    }


class DelayedWebSocket:
    """A held connection, made from the handle alone, in any instance of any plugin of the same tenant.

    `send`, `close`, `release`, `send_after` and `send_at` end the retention, and exactly one such operation on a handle ever
    succeeds, whoever races; every other one is `invalid-handle`. After an error that leaves the retention as it was, such as
    `overloaded`, call again. An object that is not used does nothing: the connection stays held until its deadline.
    """

    def __init__(self, handle: int) -> None:
        """Claims nothing and never asks the host: whether the handle is good is seen when it is used. Two may exist for one
        handle."""
        self._handle = to_handle(handle)

    def send(self, message: object) -> None:
        """Sends the message and ends the retention: `str` as text, bytes as binary, and anything else as a JSON text. The
        connection goes on with the messages that waited. Success means that the message is in the connection's outbox.

        Raises `DelayedError`: `invalid-handle`, `closed`, `too-large`, `overloaded`. What JSON has no words for is a
        `TypeError` or a `ValueError`, after which the connection is still held.
        """
        ask(DelayedError, wire.DelayedWebSocket.send, self._socket(), to_message(message), None)

    def send_json(self, value: object) -> None:
        """Sends the value as a JSON text, a `str`, too, and ends the retention. Raises what `send` does."""
        ask(DelayedError, wire.DelayedWebSocket.send, self._socket(), json_message(value), None)

    def send_confirmed(self, message: object) -> None:
        """Sends the message, ends the retention, and returns when the message has been written to the socket.

        Raises what `send` does; `closed` also if the connection is lost before the message is written.
        """
        ask(DelayedError, wire.DelayedWebSocket.send, self._socket(), to_message(message), _CONFIRM)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to
        4999) and this reason (at most 123 bytes of UTF-8). Messages that waited are discarded.

        Raises `DelayedError`: `invalid-handle`, `closed`, `invalid-close-code`, `too-large`.
        """
        ask(DelayedError, wire.DelayedWebSocket.close, self._socket(), to_frame(code, reason))

    def release(self) -> None:
        """Ends the retention and sends nothing: the connection goes on with the messages that waited.

        Raises `DelayedError`: `invalid-handle`, `closed`.
        """
        ask(DelayedError, wire.DelayedWebSocket.release, self._socket())

    def send_after(self, message: object, delay: Duration) -> int:
        """Lets a timer of the host send the message after this delay and end the retention then; gives the number of the
        delivery. Nothing of the plugin runs when it fires, and the retention's deadline does not count meanwhile. Without
        delay it is sent at once.

        Raises what `send` does, and `DelayedError`: `invalid-delay`, `quota-exceeded`.
        """
        message = to_message(message)
        return ask(DelayedError, wire.DelayedWebSocket.send_after, self._socket(), message, to_millis(delay))

    def send_at(self, message: object, time: Time) -> int:
        """The same at a given time. A time that has passed sends at once. Raises what `send_after` does."""
        message = to_message(message)
        return ask(DelayedError, wire.DelayedWebSocket.send_at, self._socket(), message, to_unix_millis(time))

    def push(self, message: object) -> None:
        """Sends the message and goes on holding: for replies that stream. Raises what `send` does."""
        with self._socket() as socket:
            ask(DelayedError, socket.push, to_message(message), None)

    def push_json(self, value: object) -> None:
        """Sends the value as a JSON text, a `str`, too, and goes on holding. Raises what `send` does."""
        with self._socket() as socket:
            ask(DelayedError, socket.push, json_message(value), None)

    def push_confirmed(self, message: object) -> None:
        """Sends the message, goes on holding, and returns when the message has been written to the socket: a stream that does
        so is never ahead of its client. Raises what `send_confirmed` does."""
        with self._socket() as socket:
            ask(DelayedError, socket.push, to_message(message), _CONFIRM)

    def extend(self, deadline: Duration) -> None:
        """Sets the deadline anew, counted from now; above the tenant's maximum it is lowered to that maximum.

        Raises `DelayedError`: `invalid-handle`, `closed`.
        """
        with self._socket() as socket:
            ask(DelayedError, socket.extend, to_millis(deadline))

    @staticmethod
    def cancel(delivery: int) -> int:
        """Takes a delivery back that has not been made. Gives the handle back, still held, its deadline moved by the time that
        the timer had it.

        Raises `DelayedError`: `unknown-timer`, and `closed` if the peer has gone meanwhile.
        """
        return ask(DelayedError, wire.cancel, to_id(delivery))

    def _socket(self) -> wire.DelayedWebSocket:
        # Made for each call, because those that end the retention consume it even if they are refused.
        return wire.DelayedWebSocket(self._handle)


_CONFIRM = wire.SendOptions(confirm=True)
