from unittest import TestCase
from unittest.mock import Mock, patch

import plugin
from holdline import Request, timers


class Timer(TestCase):
    def test_a_connection_gets_a_timer_of_its_own(self) -> None:
        request = Mock(spec=Request, id="17-a")
        with patch("plugin.timers.every", return_value=7) as every:
            plugin.begin(request)
        every.assert_called_once_with(1, "17-a")
        request.set_attachment_json.assert_called_once_with(7)

    def test_a_tick_that_reaches_nobody_is_the_last(self) -> None:
        gone = timers.TimerError("unknown")
        with (
            patch("plugin.broadcast.to_connections", return_value=0) as to_connections,
            patch("plugin.timers.cancel", side_effect=gone) as cancel,
        ):
            plugin.tick(7, b"17-a")
        to_connections.assert_called_once_with(["17-a"], "tick")
        cancel.assert_called_once_with(7)
