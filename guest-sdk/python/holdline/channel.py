"""Named queues that the plugins of one tenant share. Items are bytes, or JSON with the methods that say so.

Those that wait are served first come, first served. A call that waits holds no thread of the host.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

from wit_world.imports import channels as wire

from holdline._values import Duration, encodable, from_json, to_bytes, to_capacity, to_json, to_optional_millis
from holdline.error import Refused, ask


class ChannelError(Refused):
    """Why a channel operation did not take place. The channel is then as it was."""

    texts = {
        # An offer found no room, or, at capacity 0, nobody receiving at that moment.
        "full": "the channel is full",
        "timeout": "the time was over before the item was taken or came",
        # For the receiving side: closed and empty.
        "closed": "the channel is closed",
        "unknown": "no channel of this name is open",
        "wrong-capacity": "a channel of this name is open with another capacity",
        # An item over 1 MiB unless configured, or a capacity over 1,048,576.
        "too-large": "the item or the capacity is over its limit",
        "invalid-name": "the name is empty, over 255 bytes, or contains a control character",
        "no-channels": "there is no channel to select from",
        "quota-exceeded": "the tenant has as many channels, or as many bytes in them, as it may",
        "internal": "the host failed; its log says how",
    }


class Channel:
    """One channel. Forgetting it does not close it: it is open until somebody calls `close`.

    An item is given as bytes, as a text, which becomes UTF-8, or as anything else, which becomes JSON. `len(channel)` is how
    many items are in it now; `for item in channel` receives until the channel is closed and empty.
    """

    def __init__(self, wire: wire.Channel) -> None:
        """For `open` and `lookup` alone."""
        self._wire = wire

    @classmethod
    def open(cls, name: str, capacity: int) -> Self:
        """Opens the channel of this name, making it if there is none. The capacity is in items; 0 is a rendezvous: an item
        passes only from hand to hand.

        Raises `ChannelError`: `wrong-capacity`, `invalid-name`, `too-large` for a capacity over 1,048,576, `quota-exceeded`, and
        `closed` for a name that was closed and is not drained yet.
        """
        return cls(ask(ChannelError, wire.Channel.open, encodable(name), to_capacity(capacity)))

    @classmethod
    def lookup(cls, name: str) -> Self:
        """Finds a channel that is open, or closed and not drained yet. Raises `ChannelError`: `unknown`, `invalid-name`."""
        return cls(ask(ChannelError, wire.Channel.lookup, encodable(name)))

    def send(self, item: object, timeout: Duration | None = None) -> None:
        """Puts an item in, waiting for room, or, at capacity 0, for a receiver, for at most this long; None waits without
        limit. An item that was not taken in time is taken back: nobody will receive it.

        Raises `ChannelError`: `timeout`, `closed`, `too-large`, `quota-exceeded`.
        """
        ask(ChannelError, self._wire.send, to_bytes(item), to_optional_millis(timeout))

    def send_json(self, item: object, timeout: Duration | None = None) -> None:
        """Puts an item in as JSON, a `str`, too. Raises what `send` does."""
        ask(ChannelError, self._wire.send, to_json(item).encode(), to_optional_millis(timeout))

    def offer(self, item: object) -> None:
        """Puts an item in if that is possible at once. Raises `ChannelError`: `full`, `closed`, `too-large`, `quota-exceeded`."""
        ask(ChannelError, self._wire.offer, to_bytes(item))

    def offer_json(self, item: object) -> None:
        """Puts an item in as JSON, a `str`, too, if that is possible at once. Raises what `offer` does."""
        ask(ChannelError, self._wire.offer, to_json(item).encode())

    def receive(self, timeout: Duration | None = None) -> bytes:
        """Takes the next item, waiting for it for at most this long; None waits without limit.

        Raises `ChannelError`: `timeout`, and `closed` when it is closed and there is nothing left in it.
        """
        return ask(ChannelError, self._wire.receive, to_optional_millis(timeout))

    def receive_json(self, timeout: Duration | None = None) -> Any:
        """Takes the next item as JSON. Raises what `receive` does, and `ValueError` for an item that is no JSON, which is gone
        then: whoever has to know more about it takes it with `receive`."""
        return from_json(self.receive(timeout))

    def poll(self) -> bytes | None:
        """Takes the next item if there is one now. Raises `ChannelError`: `closed`."""
        return ask(ChannelError, self._wire.poll)

    def peek(self) -> bytes | None:
        """Shows the next item, if there is one now, and leaves it where it is. Raises `ChannelError`: `closed`."""
        return ask(ChannelError, self._wire.peek)

    @property
    def capacity(self) -> int:
        """How many items it can hold; 0 is a rendezvous."""
        return self._wire.capacity()

    def close(self) -> None:
        """Closes it for everyone: nothing more goes in, and what it holds can still be received. Closing twice is the same as
        once."""
        self._wire.close()

    def __len__(self) -> int:
        return self._wire.len()

    def __bool__(self) -> bool:
        # A channel is there also while nothing is in it.
        return True

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                item = self.receive()
            except ChannelError as error:
                if error.case == "closed":
                    return
                raise
            yield item


def select(channels: Sequence[Channel], timeout: Duration | None = None) -> tuple[int, bytes]:
    """Receives one item from whichever of the channels has one first, and says from which: the position in the sequence. When
    several have one, each of them gets its turn. None waits without limit.

    Raises `ChannelError`: `timeout`; `closed` when all of them are closed and empty; `no-channels`.
    """
    return ask(ChannelError, wire.select, [channel._wire for channel in channels], to_optional_millis(timeout))
