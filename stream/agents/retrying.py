"""How long to wait before the next attempt after several that failed in a row."""

from __future__ import annotations

__all__ = ["Retrying"]


class Retrying:
    """Doubles the wait from ``first_s`` to ``last_s`` with each failure; a success begins anew.

    ``at_once``: there is no wait after the first failure.

    >>> retrying = Retrying(last_s=0.3)
    >>> [retrying.wait_s() for _ in range(4)], retrying.succeeded(), retrying.wait_s()
    ([0.1, 0.2, 0.3, 0.3], None, 0.1)
    >>> retrying = Retrying(at_once=True)
    >>> [retrying.wait_s() for _ in range(3)]
    [0.0, 0.1, 0.2]
    """

    def __init__(self, first_s: float = 0.1, last_s: float = 5.0, *, at_once: bool = False) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._begin_s = 0.0 if at_once else first_s
        self._next_s = self._begin_s

    def succeeded(self) -> None:
        """There was progress: the next failure is a first one."""
        self._next_s = self._begin_s

    def wait_s(self) -> float:
        """Note a failure; seconds to wait before the next attempt."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s or self._first_s, self._last_s)
        return wait_s
