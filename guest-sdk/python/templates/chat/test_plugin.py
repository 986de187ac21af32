from unittest import TestCase
from unittest.mock import Mock, patch

import plugin
from holdline import Request


class Chat(TestCase):
    def test_the_room_hears_who_said_what(self) -> None:
        with patch("plugin.broadcast.to_path") as to_path:
            plugin.say(Mock(spec=Request, path="/blue", query="room=1&name=Ann"), "hello")
        to_path.assert_called_once_with("/blue", {"from": "Ann", "text": "hello"})

    def test_who_gives_no_name_is_somebody(self) -> None:
        self.assertEqual(plugin.name(""), "somebody")
