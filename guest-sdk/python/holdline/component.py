"""Joins the decorated functions of a plugin to the exports of its component.

The build names this module as the application. It has a class for each interface that a plugin may export, and the component
takes those that its world names: exactly the ones for which the plugin has a function.
"""

# The standard library imports these when they are first used; by then there are no files to import from.
import _strptime  # noqa: F401
import encodings.ascii
import encodings.cp1252
import encodings.idna
import encodings.latin_1
import encodings.punycode
import encodings.utf_16
import encodings.utf_16_be
import encodings.utf_16_le  # noqa: F401
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err

from holdline import logs
from holdline._values import Bytes, from_message, to_bytes
from holdline.connect import Acceptance, Refusal, Upgrade
from holdline.error import Error
from holdline.handlers import CloseInfo, registered
from holdline.request import Request

logs.configure()

# Registers its functions. What it logs meanwhile is to be seen.
import plugin  # noqa: E402


class ConnectHandler:
    def on_connect(self, upgrade: Any) -> Acceptance:
        seen = Upgrade(upgrade.path, upgrade.query, upgrade.headers, upgrade.subprotocols, upgrade.remote_address)
        try:
            accepted = registered["on_connect"](seen)
        except Refusal as refusal:
            raise Err(refusal) from None
        if accepted is None:
            return Acceptance()
        if not isinstance(accepted, Acceptance):
            # Such as False, or a refusal that was meant to be raised: nobody gets in by mistake.
            raise TypeError(f"`on_connect` returns an Acceptance or None, not {accepted!r}")
        return accepted


class Handler:
    def on_open(self, request: int) -> None:
        _call("on_open", Request(request))

    def on_message(self, request: int, message: Any) -> None:
        _call("on_message", Request(request), from_message(message))

    def on_close(self, request: int, info: Any) -> None:
        _call("on_close", Request(request), CloseInfo(info.frame, info.clean))


class Worker:
    def run(self, name: str, argument: bytes) -> None:
        _call("worker", name, argument)


class TimerHandler:
    def on_timer(self, timer: int, payload: bytes) -> None:
        _call("on_timer", timer, payload)


class ChannelHandler:
    def on_item(self, channel: str, item: bytes) -> None:
        _call("on_item", channel, item)


class Migration:
    def migrate(self, attachment: bytes, from_version: str) -> bytes:
        return _call("on_migrate", attachment, from_version, result=_attachment)


def _call(name: str, *args: object, result: Callable[[object], Any] = lambda _: None) -> Any:
    """What the plugin does not have is done by doing nothing."""
    handler: Callable[..., object] | None = registered.get(name)
    if handler is None:
        return None
    try:
        return result(handler(*args))
    except MemoryError:
        # Not caught, it ends the instance: one whose memory is full is of no use to the next event.
        raise
    except Exception as error:
        _show(error)
        raise Err(_text(error)) from None


def _attachment(returned: object) -> bytes:
    if not isinstance(returned, Bytes | str):
        # Such as None: a `return` that was forgotten must not be the end of an attachment.
        raise TypeError(f"`on_migrate` returns bytes or a str, empty for none, and not {returned!r}")
    return to_bytes(returned)


def _text(error: Exception) -> str:
    """What the host's log says of it: the text of an `Error` says enough, that of any other exception often does not."""
    # What a client sent may be in it, and half a surrogate pair would not get over the border.
    text = str(error).encode(errors="replace").decode()
    if isinstance(error, Error):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _show(error: Exception) -> None:
    """Writes the traceback to the plugin's log, without this module's own frame."""
    trace = error.__traceback__ and error.__traceback__.tb_next
    shown = "".join(traceback.format_exception(type(error), error, trace))
    for folder in sys.path:
        # Where the build had the modules says nothing to whoever reads it.
        shown = shown.replace(f'File "{folder}{os.sep}', 'File "')
    sys.stderr.write(shown)


def _keep_sources() -> None:
    """There are no files when the component runs: what tracebacks quote of the plugin has to be read now."""
    folder = os.path.dirname(plugin.__file__ or "")
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(folder + os.sep) and file.endswith(".py"):
            lines = linecache.getlines(file)
            # Without a time of change it is not compared with the file again.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


_keep_sources()
