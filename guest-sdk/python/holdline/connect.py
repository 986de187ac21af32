"""Deciding who may connect."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdline._values import Bytes, Header, encodable, first_header, to_bytes


@dataclass(frozen=True)
class Upgrade:
    """The HTTP request that asks for the upgrade."""

    path: str
    """The path, percent-encoded as it was sent, without the query."""
    query: str = ""
    """The query without the question mark; empty if there was none."""
    headers: list[Header] = field(default_factory=list)
    """The headers, `name` in lower case and `value` as bytes. Those of one name stand together, in the order in which they came."""
    subprotocols: list[str] = field(default_factory=list)
    """The subprotocols that the client offers, the one it likes best first."""
    remote_address: str = ""
    """The client's address and port."""

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case. Bytes that are not UTF-8 become U+FFFD; `headers` has them as they are."""
        return first_header(self.headers, name)


class Acceptance:
    """How a connection begins."""

    def __init__(self, subprotocol: str | None = None, attachment: Bytes | str = b"") -> None:
        """The subprotocol is one of those that the client offers, or none; another one is an error of the plugin: the client gets
        500. The attachment is the connection's first one; a text becomes UTF-8."""
        self.subprotocol = subprotocol
        self.attachment = to_bytes(attachment)


class Refusal(Exception):
    """The HTTP response that refuses. Raise it in `on_connect`."""

    def __init__(self, status: int, body: Bytes | str = b"", headers: Iterable[tuple[str, Bytes | str]] = ()) -> None:
        """The status is from 400 to 599; another one is an error of the plugin: the client gets 500. Headers that belong to the
        transfer (such as content-length) are left out by the host."""
        super().__init__(f"refused with {status}")
        self.status = status if 0 <= status < 2**16 else 0
        self.body = to_bytes(body)
        self.headers = [Header(encodable(name), to_bytes(value)) for name, value in headers]
