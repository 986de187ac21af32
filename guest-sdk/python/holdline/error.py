"""What a call that the host refuses raises, and what a handler may fail with."""

from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar, ParamSpec, TypeVar

from componentize_py_types import Err

P = ParamSpec("P")
R = TypeVar("R")


class Error(Exception):
    """Why an event, a worker or a timer failed. Its text is for whoever reads the plugin's log; no client ever gets it.

    A handler may fail with any other exception as well; the log then has the exception's name before its text.
    """


class Refused(Error):
    """The host has refused a call, and nothing has happened. Each kind of call has a class of its own.

    `case` is the contract's name of the reason, as in `"already-retained"`; `text` says more where the contract does.
    """

    case: str
    text: str | None
    texts: ClassVar[dict[str, str]]

    def __init__(self, case: str, text: str | None = None) -> None:
        said = self.texts[case]
        super().__init__(said if text is None else f"{said}: {text}")
        self.case = case
        self.text = text


def ask(refused: type[Refused], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls the host, and raises this class if it refuses."""
    try:
        return function(*args, **kwargs)
    except Err as error:
        case, text = _case(error.value)
        # The generated error says nothing that this one does not.
        raise refused(case, text) from None


def _case(value: Any) -> tuple[str, str | None]:
    """An enum has its cases as members, and a variant has a class for each, named `Type_Case`."""
    if isinstance(value, Enum):
        return value.name.lower().replace("_", "-"), None
    name = type(value).__name__.partition("_")[2]
    case = "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")
    return case, getattr(value, "value", None)
