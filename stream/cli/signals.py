"""Signals that end a command as exceptions, so that ``with`` blocks clean up behind them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from stream.stop_signals import STOP_SIGNALS

__all__ = ["Interrupted", "interruptible"]


class Interrupted(BaseException):
    """A signal asked for the end; like KeyboardInterrupt, only the command handles it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.number = number

    @property
    def exit_status(self) -> int:
        """What a shell reports for a process that this signal ended: 128 + its number."""
        return 128 + self.number


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    for ending in STOP_SIGNALS:  # the clean-up that follows is short and must not be cut off
        signal.signal(ending, signal.SIG_IGN)
    raise Interrupted(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the first SIGINT, SIGTERM or SIGHUP raises `Interrupted`; later ones do nothing."""
    before = {number: signal.signal(number, _raise) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
