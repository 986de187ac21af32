from unittest import TestCase
from unittest.mock import Mock

import plugin
from holdline import Request


class Echo(TestCase):
    def test_a_message_comes_back_as_it_was(self) -> None:
        request = Mock(spec=Request)
        plugin.echo(request, "hello")
        request.send.assert_called_once_with("hello")
