"""What is still to be processed while a command reads beside no worker."""

from stream.catalogue.wording import number_of
from stream.cli.data_files import data_directory
from stream.cli.saying import say
from stream.cli.settle import waiting
from stream.settings import Settings

__all__ = ["say_unprocessed", "unprocessed", "waits"]


def unprocessed(settings: Settings) -> int:
    """How many events wait, if this command has started the servers itself; beside a worker they wait for a moment."""
    running = data_directory(settings).running()
    return 0 if running is None or running.command == "up" else waiting(settings)


def waits(count: int) -> str:
    """That so many events wait, as the start of a sentence.

    >>> waits(1)
    '1 event is still to be processed'
    """
    return f"{number_of(count, 'event is', 'events are')} still to be processed"


def say_unprocessed(count: int) -> None:
    """Tell the user at the terminal what a result lacks, if ``count`` events wait."""
    if count:
        say(f"{waits(count)} and missing here: start stream up, and call this again")
