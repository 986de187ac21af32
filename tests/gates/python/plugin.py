"""Decides who may connect, as the query says, and tells whoever is in what it was let in with. It has no timer handler and no worker."""

from collections.abc import Callable

from holdline import Acceptance, Error, Message, Refusal, Request, Upgrade, on_connect, on_message, timers, workers


@on_connect
def connect(upgrade: Upgrade) -> Acceptance:
    match upgrade.query:
        case "refuse":
            raise Refusal(403, "closed on Mondays", [("x-reason", "not today"), ("content-length", "7000")])
        case "redirect":
            raise Refusal(302)
        case "trap":
            raise RuntimeError("the gate is broken")
        case "uninvited":
            return Acceptance("never-offered")
    seen = f"{upgrade.path} {upgrade.query} {upgrade.header('X-User') or ''} {upgrade.remote_address}"
    second = upgrade.subprotocols[1] if len(upgrade.subprotocols) > 1 else None
    return Acceptance(second, seen)


@on_message
def tell(request: Request, message: Message) -> None:
    if message == "start":
        request.send_json({"timer": case_of(lambda: timers.after(1)), "worker": case_of(lambda: workers.start("w"))})
    else:
        request.send_json({"subprotocol": request.subprotocol, "attachment": request.attachment.decode()})


def case_of(act: Callable[[], object]) -> str | None:
    try:
        act()
    except Error as error:
        return error.case
    return None
