"""What the SDK does on its own, without a host: `python -m unittest discover tests` in a Python that has it installed."""

import unittest
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from componentize_py_types import Err
from holdline import Channel, DelayedWebSocket, ReplyError, Request, _values, handlers
from holdline import broadcast, channel, delayed, request, timers, workers
from wit_world.imports import broadcast as broadcast_wire
from wit_world.imports import channels, requests
from wit_world.imports import delayed as delayed_wire
from wit_world.imports import timers as timers_wire
from wit_world.imports import workers as workers_wire
from wit_world.imports.types import Header, Message_Binary, Message_Text


class Values(unittest.TestCase):
    def test_a_part_of_a_millisecond_counts_as_a_whole_one(self) -> None:
        waits: list[tuple[float | timedelta, int]] = [(0, 0), (0.0001, 1), (0.3, 300), (1.5, 1500), (timedelta(microseconds=1), 1)]
        for duration, millis in waits:
            self.assertEqual(_values.to_millis(duration), millis, duration)

    def test_the_ends_of_time_stay_in_range(self) -> None:
        self.assertEqual(_values.to_millis(-1), 0)
        self.assertEqual(_values.to_millis(float("inf")), _values.LONGEST)
        self.assertEqual(_values.to_unix_millis(datetime(1969, 1, 1)), 0)

    def test_a_time_is_the_same_as_seconds_and_as_datetime(self) -> None:
        time = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
        self.assertEqual(_values.to_unix_millis(time), 1767323045678)
        self.assertEqual(_values.to_unix_millis(time.replace(tzinfo=None)), 1767323045678)
        self.assertEqual(_values.to_unix_millis(time.timestamp()), 1767323045678)

    def test_texts_become_text_bytes_binary_and_anything_else_json(self) -> None:
        self.assertEqual(_values.to_message("ü"), Message_Text("ü"))
        self.assertEqual(_values.to_message(bytearray(b"\0")), Message_Binary(b"\0"))
        self.assertEqual(_values.to_message({"ü": [1, None]}), Message_Text('{"ü":[1,null]}'))
        self.assertEqual(_values.json_message("ü"), Message_Text('"ü"'))
        for nothing in [float("nan"), {1}, "\ud800"]:
            with self.assertRaises((TypeError, ValueError)):
                _values.to_message(nothing)

    def test_what_cannot_be_a_handle_is_none(self) -> None:
        for number in [-1, 0, 2**53, 2**64]:
            self.assertEqual(_values.to_handle(number), 0)
        self.assertEqual(_values.to_handle(2**53 - 1), 2**53 - 1)
        with self.assertRaises(TypeError):
            DelayedWebSocket("7")  # type: ignore[arg-type]

    def test_the_first_header_of_a_name_is_found_in_any_case(self) -> None:
        headers = [Header("cookie", b"a=1"), Header("cookie", b"b=2")]
        self.assertEqual(_values.first_header(headers, "Cookie"), "a=1")
        self.assertIsNone(_values.first_header(headers, "origin"))


class Errors(unittest.TestCase):
    def test_an_error_has_the_name_of_the_contract(self) -> None:
        refused = Err(requests.ReplyError.NOT_THIS_EVENT)
        with patch.object(requests, "send_web_socket", side_effect=refused), self.assertRaises(ReplyError) as caught:
            Request(1).send("")
        self.assertEqual(caught.exception.case, "not-this-event")

    def test_a_text_says_what_is_wrong(self) -> None:
        wrong = Err(timers_wire.TimerError_InvalidSchedule("at 3"))
        with patch.object(timers_wire, "set", side_effect=wrong), self.assertRaises(timers.TimerError) as caught:
            timers.cron("x")
        error = caught.exception
        self.assertEqual((error.case, error.text, str(error)), ("invalid-schedule", "at 3", "invalid schedule: at 3"))

    def test_every_case_of_the_contract_has_a_text(self) -> None:
        for error, wire in [
            (request.RetainError, requests.RetainError),
            (request.ReplyError, requests.ReplyError),
            (delayed.DelayedError, delayed_wire.DelayedError),
            (channel.ChannelError, channels.ChannelError),
            (workers.WorkerError, workers_wire.WorkerError),
            (broadcast.BroadcastError, broadcast_wire.BroadcastError),
        ]:
            self.assertEqual(list(error.texts), [case.name.lower().replace("_", "-") for case in wire])

    def test_outside_of_a_host_nothing_can_be_asked(self) -> None:
        with self.assertRaises(NotImplementedError):
            Channel.lookup("jobs")


class Handlers(unittest.TestCase):
    def setUp(self) -> None:
        handlers.registered.clear()

    def test_a_plugin_exports_what_it_has_functions_for(self) -> None:
        @handlers.on_close
        def closed(request: Request, info: handlers.CloseInfo) -> None: ...

        @handlers.on_timer
        def due(timer: int, payload: bytes) -> None: ...

        self.assertEqual(handlers.exports(), ["handler", "timer-handler"])

    def test_a_second_function_and_an_async_one_are_refused(self) -> None:
        handlers.worker(lambda name, argument: None)
        with self.assertRaises(ValueError):
            handlers.worker(lambda name, argument: None)

        async def opened(request: Request) -> None: ...

        with self.assertRaises(TypeError):
            handlers.on_open(opened)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
