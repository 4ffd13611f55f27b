"""When a process that has ended is started again."""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_PAUSE_S", "MAX_RESTARTS", "STEADY_S", "Restarts"]

#: A process that ends so many times in a row, none of which lasted, is not started again.
MAX_RESTARTS: Final = 8
MAX_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0


@dataclass(slots=True)
class Restarts:
    """Restarts of one process in a row: the pause before each doubles, and a process that lasts begins anew."""

    count: int = 0
    last_at: float = -math.inf

    def due(self, now: float) -> bool:
        """Whether to restart now; counts it if so."""
        if now - self.last_at > STEADY_S:
            self.count = 0
        if now < self.last_at + min(2.0**self.count / 2.0, MAX_PAUSE_S) and self.count:
            return False
        self.count += 1
        self.last_at = now
        return True

    def hopeless(self, now: float) -> bool:
        """Whether it has ended as often as it may without ever lasting."""
        return self.count >= MAX_RESTARTS and now - self.last_at <= STEADY_S
