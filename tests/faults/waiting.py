"""Waiting until a condition holds, while servers may be away."""

import time
from collections.abc import Callable

from tests.faults.away import is_away

__all__ = ["Patience", "TooLateError", "wait"]

POLL_S = 0.05


class TooLateError(AssertionError):
    """Something did not happen in time."""


#: At most so much of the time between two looks was this program's: the rest, the machine stood still.
_TURN_S = 1.0


class Patience:
    """How long something may not happen, in time in which this program ran.

    A machine that is stopped, or gives the program no turn, uses none of it up. ``now_s``: a clock that is not set.
    """

    def __init__(self, limit_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._now_s = now_s
        self.renew()

    def renew(self) -> None:
        """Something has happened: what comes next may take as long."""
        self._used_s = 0.0
        self._looked_s = self._now_s()

    def is_over(self) -> bool:
        """Whether nothing has happened for too long. To be asked again and again."""
        now_s = self._now_s()
        self._used_s += min(now_s - self._looked_s, _TURN_S)
        self._looked_s = now_s
        return self._used_s > self._limit_s


def wait(what: str, condition: Callable[[], bool], timeout_s: float, tell: Callable[[], str] = str) -> float:
    """Wait until ``condition`` holds; return how many seconds that took. A server that is away is waited for.

    Raises `TooLateError` when `Patience` of ``timeout_s`` is over, with what ``tell`` says then.
    """
    began = time.monotonic()
    patience = Patience(timeout_s)
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except Exception as error:
            if not is_away(error):
                raise
        if patience.is_over():
            raise TooLateError(f"not within {timeout_s:g} s: {what}\n{tell()}")
        time.sleep(POLL_S)
