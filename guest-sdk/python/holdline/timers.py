"""Timers that call this plugin's `on_timer`, each time in a new event.

They belong to the plugin, not to the instance that set them, and live until they are done or cancelled, the plugin is
removed, or the host ends. Delays and intervals may be 400 days at most, payloads 64 KiB. A payload is bytes, a text,
which becomes UTF-8, or anything else, which becomes JSON.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import List, Literal

from wit_world.imports import timers as wire

from holdline._values import EPOCH, Duration, Time, encodable, to_bytes, to_id, to_millis, to_unix_millis
from holdline.error import Refused, ask

Missed = Literal["skip", "burst", "coalesce"]
"""What a repeating timer does with runs that are already past when their turn comes: leave them out, make up for each of them, or
let one run stand for all of them."""


class TimerError(Refused):
    """Why a timer was refused. With `invalid-schedule`, `text` says what is wrong with the schedule and where."""

    texts = {
        "invalid-schedule": "invalid schedule",
        "no-handler": "the plugin exports no timer handler, or was removed",
        # It was never set, is done or was cancelled, or belongs to another plugin.
        "unknown": "there is no such timer pending",
        "too-large": "the payload is over 64 KiB",
        "quota-exceeded": "the tenant has as many timers as it may",
        "internal": "the host failed; its log says how",
    }


@dataclass(frozen=True)
class TimerInfo:
    """A timer that is pending: its id, when it runs next, in whole milliseconds, and what its handler will be given."""

    id: int
    next: datetime
    payload: bytes


def after(delay: Duration, payload: object = b"") -> int:
    """Runs once, after this delay. Gives the timer's id.

    Raises `TimerError`: `invalid-schedule`, `no-handler`, `too-large`, `quota-exceeded`.
    """
    return _set(wire.Schedule_After(to_millis(delay)), payload, "skip")


def at(time: Time, payload: object = b"") -> int:
    """Runs once, at this time; at once if it has passed. Raises what `after` does."""
    return _set(wire.Schedule_At(to_unix_millis(time)), payload, "skip")


def every(interval: Duration, payload: object = b"", missed: Missed = "skip") -> int:
    """Runs again and again, this far apart (at least a millisecond), the first time after one interval. Anchored at the moment
    of setting: it does not drift. Raises what `after` does."""
    return _set(wire.Schedule_Every(to_millis(interval)), payload, missed)


def cron(expression: str, payload: object = b"", *, time_zone: str | None = None, missed: Missed = "skip") -> int:
    """Runs again and again, as a cron expression says: second, minute, hour, day of month, month, day of week; or five fields,
    without the second. The time zone is a name of the IANA database, such as `Europe/Berlin`; None means UTC. Raises what
    `after` does."""
    zone = None if time_zone is None else encodable(time_zone)
    return _set(wire.Schedule_Cron(wire.CronSchedule(encodable(expression), zone)), payload, missed)


def cancel(timer: int) -> None:
    """Takes a timer back. A run that has started is not stopped. Raises `TimerError`: `unknown`."""
    ask(TimerError, wire.cancel, to_id(timer))


def list() -> List[TimerInfo]:
    """The pending timers of this plugin, those first that run first."""
    return [
        TimerInfo(timer.id, EPOCH + timedelta(milliseconds=timer.next_ms), timer.payload) for timer in wire.list()
    ]


def sleep(delay: Duration) -> None:
    """Waits, holding no thread of the host. For workers above all: a handler that waits keeps its instance."""
    wire.sleep(to_millis(delay))


def _set(schedule: wire.Schedule, payload: object, missed: Missed) -> int:
    return ask(TimerError, wire.set, schedule, to_bytes(payload), wire.Missed[missed.upper()])
