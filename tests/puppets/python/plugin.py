"""Does what it is told. A message is a list of commands in JSON, and the report is the list of what came of them: `{"ok": value}`,
or `{"error": the name of the case}`.

The report goes back to the client: as a reply, or by a push once the event has retained. Where neither can be, as in a close event,
it goes to the log. The headers `x-open` and `x-close` have the commands of those events. Workers, timers and channel items carry
commands, too; their reports go to the log.
"""

import json
import os

from holdline import (
    CloseInfo,
    DelayedError,
    DelayedWebSocket,
    Error,
    Message,
    ReplyError,
    Request,
    on_close,
    on_item,
    on_message,
    on_migrate,
    on_open,
    on_timer,
    worker,
)
from stage import Stage


@on_open
def opened(request: Request) -> None:
    commands = request.header("x-open")
    if commands is not None:
        obey(request, commands)


@on_message
def told(request: Request, message: Message) -> None:
    if isinstance(message, str):
        obey(request, message)
    else:
        request.send(message)


@on_close
def closed(request: Request, info: CloseInfo) -> None:
    frame = info.frame and [info.frame.code, info.frame.reason]
    print(f"close event: {shown({'clean': info.clean, 'frame': frame, 'id': request.id})}")
    commands = request.header("x-close")
    if commands is not None:
        obey(request, commands)


@worker
def run(name: str, argument: bytes) -> None:
    report = alone(argument)
    print(f"worker {name}: {report}")


@on_timer
def due(timer: int, payload: bytes) -> None:
    report = alone(payload)
    print(f"timer {timer}: {report}")


@on_item
def came(channel: str, item: bytes) -> None:
    report = alone(item)
    print(f"item of {channel}: {report}")


@on_migrate
def moved(attachment: bytes, from_version: str) -> str:
    """As the attachment says: `fail`, `trap` or `forget`. Any other is told where it comes from."""
    text = attachment.decode()
    if text == "fail":
        raise Error("that was never an attachment")
    if text == "trap":
        os.abort()
    return "" if text == "forget" else f"{text} from {from_version}"


def obey(request: Request, commands: str) -> None:
    stage = Stage(request)
    answer = shown({"report": stage.play(json.loads(commands))})
    try:
        if stage.handle is None:
            request.send(answer)
        else:
            DelayedWebSocket(stage.handle).push(answer)
    except (ReplyError, DelayedError):
        print(f"untold: {answer}")


def alone(commands: bytes) -> str:
    return shown(Stage(None).play(json.loads(commands)))


def shown(value: object) -> str:
    """JSON as the puppets of the other languages write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
