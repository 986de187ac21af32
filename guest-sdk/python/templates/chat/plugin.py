"""A chat with rooms: the path is the room, `?name=` says who somebody is, and what is said is broadcast to the room. The plugin keeps
no list of anybody: the host knows who is connected where."""

from holdline import Message, Request, broadcast, on_message


@on_message
def say(request: Request, message: Message) -> None:
    if isinstance(message, str):
        broadcast.to_path(request.path, {"from": name(request.query), "text": message})
    else:
        request.send({"error": "say it as text"})


def name(query: str) -> str:
    """Who somebody is, as the query says it."""
    names = (pair.removeprefix("name=") for pair in query.split("&") if pair.startswith("name="))
    return next(names, "") or "somebody"
