"""How often somebody may try a password, or begin a login with an account elsewhere."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["BeginLimits", "LoginLimits"]

#: Failures within the window after which a name has to wait, and after which everybody has.
_OF_A_NAME: Final = 5
_OF_ALL: Final = 50
_WINDOW_MS: Final = 15 * 60_000
#: Logins elsewhere that one address may begin within a minute, and that all may.
_BEGUN_BY_ONE: Final = 20
_BEGUN_BY_ALL: Final = 100
_BEGUN_WINDOW_MS: Final = 60_000


class _Recently:
    """What was counted of each within ``window_ms``, and whether that is too much: of one, or of all."""

    def __init__(self, of_one: int, of_all: int, window_ms: int) -> None:
        self._of_one, self._of_all, self._window_ms = of_one, of_all, window_ms
        self._counted: deque[tuple[int, str]] = deque(maxlen=of_all)

    def wait_s(self, who: str, now_ms: int) -> int:
        """Seconds until ``who`` may go on, 0: now."""
        while self._counted and self._counted[0][0] <= now_ms - self._window_ms:
            self._counted.popleft()
        own = [at_ms for at_ms, one in self._counted if one == who]
        if len(self._counted) >= self._of_all:
            since_ms = self._counted[0][0]
        elif len(own) >= self._of_one:
            since_ms = own[-self._of_one]
        else:
            return 0
        return -((now_ms - since_ms - self._window_ms) // 1000)

    def count(self, who: str, now_ms: int) -> None:
        self._counted.append((now_ms, who))

    def forget(self, who: str) -> None:
        self._counted = deque((one for one in self._counted if one[1] != who), maxlen=self._of_all)


class LoginLimits:
    """Counts failures of the last quarter of an hour; pure, the time is given. At most `_OF_ALL` are remembered."""

    def __init__(self) -> None:
        self._failures = _Recently(_OF_A_NAME, _OF_ALL, _WINDOW_MS)

    def wait_s(self, name: str, now_ms: int) -> int:
        """Seconds until ``name`` may try again, 0: now.

        >>> limits = LoginLimits()
        >>> for _ in range(5): limits.failed("anna", 0)
        >>> limits.wait_s("anna", 60_000), limits.wait_s("ben", 60_000), limits.wait_s("anna", 900_000)
        (840, 0, 0)
        """
        return self._failures.wait_s(name, now_ms)

    def failed(self, name: str, now_ms: int) -> None:
        """A wrong password, or a name that nobody has."""
        self._failures.count(name, now_ms)

    def succeeded(self, name: str) -> None:
        """Forget the failures of ``name``."""
        self._failures.forget(name)


class BeginLimits:
    """Counts logins that were begun within the last minute, each of which asks the provider; pure, the time is given.

    Behind a proxy all come from one address.
    """

    def __init__(self) -> None:
        self._begun = _Recently(_BEGUN_BY_ONE, _BEGUN_BY_ALL, _BEGUN_WINDOW_MS)

    def wait_s(self, address: str, now_ms: int) -> int:
        """Seconds until ``address`` may begin again, 0: now, which is counted.

        >>> limits = BeginLimits()
        >>> [limits.wait_s("192.0.2.1", 0) for _ in range(20)] == [0] * 20
        True
        >>> [limits.wait_s(one, 15_000) for one in ("192.0.2.1", "192.0.2.2")], limits.wait_s("192.0.2.1", 60_000)
        ([45, 0], 0)
        """
        wait_s = self._begun.wait_s(address, now_ms)
        if not wait_s:
            self._begun.count(address, now_ms)
        return wait_s
