"""Starting workers. A worker is a run of this plugin's `worker` function in an instance of its own."""

from typing import Literal, TypedDict

from wit_world.imports import workers as wire

from holdline._values import encodable, to_bytes
from holdline.error import Refused, ask


class WorkerError(Refused):
    """Why a worker was not started."""

    texts = {
        "unknown": "the plugin exports no worker",
        "quota-exceeded": "the tenant has as many workers as it may, or the host is stopping",
        "too-large": "the argument is over 1 MiB, or the name over 255 bytes",
        "unknown-channel": "no channel of the name of the exit channel is open",
        "internal": "the host failed; its log says how",
    }


class WorkerExit(TypedDict):
    """What the exit channel is offered as JSON when a worker ends: take it with `Channel.receive_json`.

    `worker` is the number that `start` gave, `name` the name it was started with. One that `finished` returned well, one that
    `failed` raised an exception, one that `trapped` was ended by a limit; `error` is the text of that, and None if it finished.
    """

    worker: int
    name: str
    outcome: Literal["finished", "failed", "trapped"]
    error: str | None


def start(name: str, argument: object = b"", exit_channel: str | None = None) -> int:
    """Runs this plugin's `worker` function once with this name and argument, and returns its number without waiting for it. The
    argument is bytes, a text, which becomes UTF-8, or anything else, which becomes JSON. When the worker ends, the exit channel,
    if there is one, is offered a `WorkerExit`. A worker that was started like this is not restarted.

    Raises `WorkerError`: nothing was started.
    """
    channel = None if exit_channel is None else encodable(exit_channel)
    return ask(WorkerError, wire.start, encodable(name), to_bytes(argument), channel)
