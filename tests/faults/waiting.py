"""Waiting until a condition holds, while servers may be away."""

import time
from collections.abc import Callable

from tests.faults.away import is_away

__all__ = ["TooLateError", "wait"]

POLL_S = 0.05


class TooLateError(AssertionError):
    """Something did not happen in time."""


def wait(what: str, condition: Callable[[], bool], timeout_s: float, tell: Callable[[], str] = str) -> float:
    """Wait until ``condition`` holds; return how many seconds that took. A server that is away is waited for.

    Raises `TooLateError` after ``timeout_s``, with what ``tell`` says then.
    """
    began = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except Exception as error:
            if not is_away(error):
                raise
        if time.monotonic() - began > timeout_s:
            raise TooLateError(f"not within {timeout_s:g} s: {what}\n{tell()}")
        time.sleep(POLL_S)
