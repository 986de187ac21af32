from unittest import TestCase
from unittest.mock import Mock, patch

import plugin
from holdline import Request


class Worker(TestCase):
    def test_the_handle_is_passed_on_with_the_text(self) -> None:
        request = Mock(spec=Request)
        request.retain_web_socket.return_value = 7
        with patch("plugin.Channel") as channel:
            plugin.hold(request, "hello")
        channel.open.return_value.offer.assert_called_once_with({"handle": 7, "text": "hello"})

    def test_the_answer_says_what_was_asked(self) -> None:
        self.assertEqual(plugin.answer("hello"), "you said: hello")
