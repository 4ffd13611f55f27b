"""The wall clock, as something that can be passed in and set."""

import time
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Clock", "FixedClock", "SystemClock"]


class Clock(Protocol):
    """Returns the time of day; the core takes time as an argument instead."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(slots=True)
class FixedClock:
    """A clock that moves only when told to.

    >>> clock = FixedClock(at_ms=1_000)
    >>> clock.advance(500)
    >>> clock.now_ms()
    1500
    """

    at_ms: int

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, by_ms: int) -> None:
        self.at_ms += by_ms
