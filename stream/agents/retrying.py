"""How long to wait before the next attempt after several that failed in a row."""

from __future__ import annotations

from typing import Final

__all__ = ["Retrying"]

_FIRST_S: Final = 0.05
_LAST_S: Final = 5.0


class Retrying:
    """Doubles the wait from one failure to the next, up to a bound; a success begins anew.

    >>> retrying = Retrying()
    >>> [retrying.wait_s() for _ in range(4)], retrying.succeeded(), retrying.wait_s()
    ([0.0, 0.05, 0.1, 0.2], None, 0.0)
    """

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        """There was progress: the next failure is a first one."""
        self._failures = 0

    def wait_s(self) -> float:
        """Note a failure; seconds to wait before the next attempt. The first is tried again at once."""
        self._failures += 1
        return 0.0 if self._failures == 1 else min(_FIRST_S * 2 ** min(self._failures - 2, 10), _LAST_S)
