"""Sends each message back as it came."""

from holdline import Message, Request, on_message


@on_message
def echo(request: Request, message: Message) -> None:
    request.send(message)
