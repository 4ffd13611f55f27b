"""Doing something once in a while, from a loop that turns more often."""

from __future__ import annotations

import math

__all__ = ["Every"]


class Every:
    """Remembers when it was due last. Times in seconds of a clock that does not jump.

    >>> look = Every(1.0)
    >>> look.is_due(7.0), look.is_due(7.5), look.is_due(8.0)
    (True, False, True)
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._last_s = -math.inf

    def is_due(self, now_s: float) -> bool:
        """Whether the period has passed; then another one begins."""
        if now_s < self._last_s + self._period_s:
            return False
        self._last_s = now_s
        return True
