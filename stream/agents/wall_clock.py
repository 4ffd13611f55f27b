"""Moving the stream time of an idle partition with the wall clock."""

from __future__ import annotations

from typing import Final

from stream.agents.pace import Rest, follows_wall_clock
from stream.agents.worker_options import WorkerOptions
from stream.clock import Clock
from stream.processing.partition import Partition

__all__ = ["WallClock"]

#: The wall clock moves stream time this much behind itself, so that events under way still arrive in order.
_GRACE_MS: Final = 10_000
#: Stream time moves by this much at least: each move is a write.
_STEP_MS: Final = 1000


class WallClock:
    """Moves stream time where that is what the partition lives by; see `stream.agents.pace`."""

    def __init__(self, partition: Partition, rest: Rest, clock: Clock, options: WorkerOptions) -> None:
        self._partition = partition
        self._rest = rest
        self._clock = clock
        self._options = options

    def moves(self, now_s: float) -> bool:
        """Move stream time, if it is time to; return whether it moved: only at rest."""
        if not self._rest.is_idle:
            return False
        state, now_ms = self._partition.state, self._clock.now_ms()
        idle_s, quiet_s = self._rest.idle_s(now_s), self._options.clock_quiet_s
        if not follows_wall_clock(self._options.clock, state, now_ms, idle_s=idle_s, quiet_s=quiet_s):
            return False
        target_ms = now_ms - _GRACE_MS
        if state.stream_time_ms is not None and target_ms < state.stream_time_ms + _STEP_MS:
            return False
        return self._partition.at_time(target_ms, live=True)
