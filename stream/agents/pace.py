"""Whether a partition at the end of its inputs has come to rest, and whether the wall clock moves its time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from stream.processing.state import PartitionState

__all__ = ["Rest", "follows_wall_clock", "is_present"]

#: A partition whose newest event is younger than this is fed by producers that write in the present.
_LIVE_WITHIN_MS: Final = 3_600_000
#: A log that ended longer ago than this is a replay of the past.
_PAST_MS: Final = 90 * 86_400_000


class Rest:
    """For how long nothing new has come. Times in seconds of a clock that does not jump."""

    def __init__(self) -> None:
        self._idle_since_s: float | None = None
        self._version = -1
        self._same_since_s = 0.0

    def look(self, now_s: float, *, is_idle: bool, version: int) -> None:
        """Note whether the inputs are at their end with nothing buffered, and the version of the model."""
        if not is_idle:
            self._idle_since_s = None
        elif self._idle_since_s is None:
            self._idle_since_s = now_s
        if version != self._version:
            self._version = version
            self._same_since_s = now_s

    @property
    def is_idle(self) -> bool:
        """Whether the inputs were at their end at the last look."""
        return self._idle_since_s is not None

    def idle_s(self, now_s: float) -> float:
        """For how long there has been no event, 0.0 if there is one."""
        return 0.0 if self._idle_since_s is None else now_s - self._idle_since_s

    def same_model_s(self, now_s: float) -> float:
        """For how long the model has been the same."""
        return now_s - self._same_since_s


def is_present(state: PartitionState, now_ms: int) -> bool:
    """Whether the partition lives in the present."""
    newest_ms = state.stream_time_ms
    return newest_ms is not None and (state.live or newest_ms >= now_ms - _LIVE_WITHIN_MS)


def follows_wall_clock(
    clock: str,
    state: PartitionState,
    now_ms: int,
    *,
    idle_s: float,
    quiet_s: float,
    shop_times: Callable[[], Collection[int]] = tuple,
) -> bool:
    """Whether the wall clock moves the time of a partition at the end of its inputs; ``clock`` is the setting.

    ``auto``: at once where the newest event is of the last hour, or the wall clock has moved time before; after a
    quiet of ``quiet_s`` where it is of the last 90 days, for an import that pauses is not at its end; else never: that
    is a log of the past. For these 90 days the newest event of any partition of the shop counts: a small shop has
    partitions whose few customers have all been silent for longer. ``shop_times``: the times of all partitions (ms),
    asked for only if the answer depends on them. A time that is ahead of the clock tells of a wrong clock.
    """
    if clock != "auto":
        return clock == "wall"
    newest_ms = state.stream_time_ms
    if newest_ms is None:
        return False
    if is_present(state, now_ms):
        return True
    if idle_s < quiet_s:
        return False
    return newest_ms >= now_ms - _PAST_MS or any(
        now_ms - _PAST_MS <= at_ms <= now_ms + _LIVE_WITHIN_MS for at_ms in shop_times()
    )
