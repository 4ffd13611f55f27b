"""How often a partition looks for customers whom an operator has released from quarantine."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Releasing"]

#: One round trip to Redis each.
_EVERY_S: Final = 1.0


class Releasing:
    """Remembers when it was looked for them last. Times in seconds of a clock that does not jump."""

    def __init__(self) -> None:
        self._looked_at_s = -math.inf

    def may_look(self, now_s: float) -> bool:
        """Whether it is time to look again; then this counts as a look."""
        if now_s < self._looked_at_s + _EVERY_S:
            return False
        self._looked_at_s = now_s
        return True
