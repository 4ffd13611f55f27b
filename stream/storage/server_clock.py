"""The time of day at Redis, as a second clock beside that of this machine."""

from __future__ import annotations

import time

__all__ = ["ServerClock"]


class ServerClock:
    """What scripts said of the server's clock, carried on by a clock of this machine that cannot be set."""

    def __init__(self) -> None:
        self._ahead_ms: float | None = None

    def note(self, seconds: bytes, microseconds: bytes) -> None:
        """The server has just answered that it is this late."""
        self._ahead_ms = int(seconds) * 1000 + int(microseconds) / 1000 - time.monotonic() * 1000

    def now_ms(self) -> int | None:
        """Milliseconds since the epoch at the server, None before its first answer."""
        return None if self._ahead_ms is None else round(self._ahead_ms + time.monotonic() * 1000)
