"""Writing to the plugin's log. What is printed goes there, too: standard output as info, standard error as warnings."""

import logging
import sys

log = logging.getLogger("plugin")
"""A logger of the standard library: `log.info`, `log.warning`, `log.error`, `log.exception`."""


def configure() -> None:
    """Lets the loggers of the whole plugin write to its log, those of its dependencies included: from a warning on to standard
    error, and what is less, from info on, to standard output. For the border alone: in a test it is the test that says so."""
    less = logging.StreamHandler(sys.stdout)
    less.addFilter(lambda record: record.levelno < logging.WARNING)
    more = logging.StreamHandler(sys.stderr)
    more.setLevel(logging.WARNING)
    # The host writes the time and the plugin's name, and shows which of the two streams it was.
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[less, more])
