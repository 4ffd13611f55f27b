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


class LoginLimits:
    """Counts failures of the last quarter of an hour; pure, the time is given. At most `_OF_ALL` are remembered."""

    def __init__(self) -> None:
        self._failures: deque[tuple[int, str]] = deque(maxlen=_OF_ALL)

    def wait_s(self, name: str, now_ms: int) -> int:
        """Seconds until ``name`` may try again, 0: now.

        >>> limits = LoginLimits()
        >>> for _ in range(5): limits.failed("anna", 0)
        >>> limits.wait_s("anna", 60_000), limits.wait_s("ben", 60_000), limits.wait_s("anna", 900_000)
        (840, 0, 0)
        """
        while self._failures and self._failures[0][0] <= now_ms - _WINDOW_MS:
            self._failures.popleft()
        of_name = [at_ms for at_ms, who in self._failures if who == name]
        if len(self._failures) >= _OF_ALL:
            since_ms = self._failures[0][0]
        elif len(of_name) >= _OF_A_NAME:
            since_ms = of_name[-_OF_A_NAME]
        else:
            return 0
        return -((now_ms - since_ms - _WINDOW_MS) // 1000)

    def failed(self, name: str, now_ms: int) -> None:
        """A wrong password, or a name that nobody has."""
        self._failures.append((now_ms, name))

    def succeeded(self, name: str) -> None:
        """Forget the failures of ``name``."""
        self._failures = deque((one for one in self._failures if one[1] != name), maxlen=_OF_ALL)


class BeginLimits:
    """Counts logins that were begun within the last minute, each of which asks the provider; pure, the time is given.

    Behind a proxy all come from one address.
    """

    def __init__(self) -> None:
        self._begun: deque[tuple[int, str]] = deque(maxlen=_BEGUN_BY_ALL)

    def wait_s(self, address: str, now_ms: int) -> int:
        """Seconds until ``address`` may begin again, 0: now, which is counted.

        >>> limits = BeginLimits()
        >>> [limits.wait_s("192.0.2.1", 0) for _ in range(20)] == [0] * 20
        True
        >>> [limits.wait_s(one, 15_000) for one in ("192.0.2.1", "192.0.2.2")], limits.wait_s("192.0.2.1", 60_000)
        ([45, 0], 0)
        """
        while self._begun and self._begun[0][0] <= now_ms - _BEGUN_WINDOW_MS:
            self._begun.popleft()
        of_one = [at_ms for at_ms, who in self._begun if who == address]
        if len(self._begun) >= _BEGUN_BY_ALL:
            since_ms = self._begun[0][0]
        elif len(of_one) >= _BEGUN_BY_ONE:
            since_ms = of_one[-_BEGUN_BY_ONE]
        else:
            self._begun.append((now_ms, address))
            return 0
        return -((now_ms - since_ms - _BEGUN_WINDOW_MS) // 1000)
