"""How long to wait before trying again."""

from random import Random
from typing import Final

__all__ = ["ServerBackoff", "backoff_ms"]

_FIRST_WAIT_S: Final = 0.5
_MAX_WAIT_S: Final = 30.0


def backoff_ms(failures: int, first_s: float, longest_s: float, random: Random) -> int:
    """Wait after the `failures`-th failure in a row: doubled each time up to `longest_s`, of which a random half.

    The random part keeps processes that failed together from trying again together.
    """
    longest = min(first_s * 2.0 ** min(failures - 1, 60), longest_s)
    return round(1000 * longest * random.uniform(0.5, 1.0))


class ServerBackoff:
    """The waits of a process for a server that does not answer: from half a second up to half a minute."""

    def __init__(self, random: Random) -> None:
        self.failures = 0
        self._random = random

    def failed(self) -> float:
        """Count a failure; the seconds to wait before the next attempt."""
        self.failures += 1
        return backoff_ms(self.failures, _FIRST_WAIT_S, _MAX_WAIT_S, self._random) / 1000

    def succeeded(self) -> None:
        """The server has answered: the next failure is the first one again."""
        self.failures = 0
