"""How long a broker may hold a fetch: an idle worker asks seldom, a busy one takes many records at a time."""

from typing import NamedTuple

from stream.agents.transport.transport_options import TransportOptions

__all__ = ["FetchPace", "Hold"]


class Hold(NamedTuple):
    """A broker answers after ``wait_ms``, or as soon as it has ``min_bytes``."""

    wait_ms: int
    min_bytes: int


class FetchPace:
    """Idle is who has received nothing for `TransportOptions.idle_after_s`; times are seconds of one clock."""

    def __init__(self, options: TransportOptions) -> None:
        busy_s = options.fetch_max_wait_s
        self._busy = Hold(int(busy_s * 1000), options.fetch_min_bytes)
        # The first record ends it: whoever publishes to an idle worker waits no longer.
        self._idle = Hold(int(max(options.idle_wait_s, busy_s) * 1000), 1)
        self._idle_after_s = options.idle_after_s
        self._moved_at_s: float | None = None

    def moved(self, now_s: float) -> None:
        """Records have come, or the worker reads from another place on."""
        self._moved_at_s = now_s

    def hold(self, now_s: float) -> Hold:
        """Of the next fetch."""
        if self._moved_at_s is not None and now_s - self._moved_at_s >= self._idle_after_s:
            return self._idle
        return self._busy
