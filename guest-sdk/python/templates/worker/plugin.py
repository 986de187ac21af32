"""Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers a
second later. While the connection is held its next messages wait."""

from holdline import Channel, DelayedError, DelayedWebSocket, Message, Request, on_message, timers, worker


@on_message
def hold(request: Request, message: Message) -> None:
    questions = Channel.open("questions", 100)
    handle = request.retain_web_socket()
    text = message if isinstance(message, str) else "something that is no text"
    questions.offer({"handle": handle, "text": text})


@worker
def run(name: str, argument: bytes) -> None:
    questions = Channel.open("questions", 100)
    while True:
        question = questions.receive_json()
        timers.sleep(1)
        try:
            DelayedWebSocket(question["handle"]).send(answer(question["text"]))
        except DelayedError as error:
            # The client may have gone.
            print(f"{question['handle']}: {error}")


def answer(text: str) -> str:
    return f"you said: {text}"
