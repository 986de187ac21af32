"""Between the values of Python and those of the contract.

The border takes only what fits its types, and ends the instance over anything else. So whatever a plugin may have got from a
client, such as a handle or a close code, is made to fit here, and the host refuses it in its own words.
"""

import json
import math
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from wit_world.imports.types import CloseFrame as CloseFrame
from wit_world.imports.types import Header as Header
from wit_world.imports.types import Message_Binary, Message_Text

Message = str | bytes
"""One WebSocket message: a text is `str`, a binary one is `bytes`."""

Bytes = bytes | bytearray | memoryview
"""What is sent as it is, and not as JSON."""

Duration = float | timedelta
"""How long: seconds, or a `timedelta`."""

Time = float | datetime
"""When: seconds since the Unix epoch, or a `datetime`; one without a time zone is UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Hundreds of millions of years: the longest that a signed number of 64 bits can say.
LONGEST = 2**63 - 1

# The largest number that JSON keeps in every language; handles are never above it, and never 0.
LARGEST_HANDLE = 2**53 - 1


def to_json(value: object) -> str:
    """The value as compact JSON, in which texts stay as they are. Raises `TypeError` or `ValueError` if JSON has no words for it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(data: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`, which says where the text is no JSON."""
    return json.loads(data)


def to_message(message: object) -> Message_Text | Message_Binary:
    """A text as it is, bytes as they are, and anything else as a JSON text."""
    if isinstance(message, Bytes):
        return Message_Binary(bytes(message))
    return Message_Text(encodable(message if isinstance(message, str) else to_json(message)))


def json_message(value: object) -> Message_Text:
    """The value as a JSON text, whatever it is."""
    return Message_Text(encodable(to_json(value)))


def from_message(message: Message_Text | Message_Binary) -> Message:
    """The text or the bytes of the message."""
    return message.value


def to_bytes(data: object) -> bytes:
    """Bytes as they are, a text as UTF-8, and anything else as JSON."""
    if isinstance(data, Bytes):
        return bytes(data)
    return (data if isinstance(data, str) else to_json(data)).encode()


def encodable(text: str) -> str:
    """The text itself. Raises `UnicodeEncodeError` for half a surrogate pair, which JSON can bring in and UTF-8 cannot say."""
    if not text.isascii():
        text.encode()
    return text


def to_frame(code: int, reason: str) -> CloseFrame:
    """A code that is none of 16 bits becomes 0, which no endpoint may send either."""
    return CloseFrame(code if 0 <= code < 2**16 else 0, encodable(reason))


def to_handle(handle: int) -> int:
    """The number, or 0 if it cannot be a handle. Raises `TypeError` if it is no whole number."""
    if not isinstance(handle, int):
        raise TypeError(f"a handle is an int, not {type(handle).__name__}")
    return handle if 0 < handle <= LARGEST_HANDLE else 0


def to_id(number: int) -> int:
    """The number of a timer or a delivery, or one that was never given out."""
    return number if 0 <= number <= LONGEST else LONGEST


def to_capacity(capacity: int) -> int:
    """The capacity, or one that the host refuses as too large."""
    if capacity < 0:
        raise ValueError(f"a capacity is at least 0, not {capacity}")
    return min(capacity, 2**32 - 1)


def to_millis(duration: Duration) -> int:
    """Whole milliseconds, rounded up so that a short wait does not become none."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    # A float misses most milliseconds by a hair: what is left after a microsecond is not meant.
    millis = round(seconds * 1000, 3)
    if millis >= LONGEST:
        return LONGEST
    return max(0, math.ceil(millis))


def to_optional_millis(duration: Duration | None) -> int | None:
    """The same, where none is allowed."""
    return None if duration is None else to_millis(duration)


def to_unix_millis(time: Time) -> int:
    """Milliseconds since the Unix epoch; a time before it is as past as the epoch itself."""
    if isinstance(time, datetime):
        aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return to_millis(aware - EPOCH)
    return to_millis(time)


def first_header(headers: Iterable[Header], name: str) -> str | None:
    """The first value under this name, in any case. Bytes that are not UTF-8 become U+FFFD."""
    name = name.lower()
    values = (header.value for header in headers if header.name.lower() == name)
    value = next(values, None)
    return None if value is None else value.decode(errors="replace")
