"""Every connection gets a tick each second, from a timer of the host. Between two ticks no instance is kept: the timer's payload is
the id of the connection, and the connection's attachment is the id of the timer."""

from holdline import CloseInfo, Message, Request, broadcast, on_close, on_message, on_open, on_timer, timers


@on_open
def begin(request: Request) -> None:
    request.set_attachment_json(timers.every(1, request.id))


@on_message
def listen(request: Request, message: Message) -> None:
    request.send("listen")


@on_close
def end(request: Request, info: CloseInfo) -> None:
    timer = request.attachment_json()
    if timer is not None:
        stop(timer)


@on_timer
def tick(timer: int, payload: bytes) -> None:
    if broadcast.to_connections([payload.decode()], "tick") == 0:
        stop(timer)


def stop(timer: int) -> None:
    """The close event and a tick that reached nobody may both come here: the second one finds the timer gone."""
    try:
        timers.cancel(timer)
    except timers.TimerError as error:
        if error.case != "unknown":
            raise
