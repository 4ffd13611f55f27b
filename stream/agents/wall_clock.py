"""Moving the stream time of an idle partition with the wall clock, where a second clock agrees with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from stream import metrics
from stream.agents.pace import Rest, follows_wall_clock
from stream.agents.worker_options import WorkerOptions
from stream.clock import Clock
from stream.processing.partition import Partition

__all__ = ["MAX_APART_MS", "WallClock"]

_LOG = logging.getLogger(__name__)

#: The wall clock moves stream time this much behind itself, so that events under way still arrive in order.
_GRACE_MS: Final = 10_000
#: Stream time moves by this much at least: each move is a write.
_STEP_MS: Final = 1000
#: Machines that are kept in time are apart by milliseconds. Stream time never goes back, so one wrong clock would
#: retire customers and make labels for good.
MAX_APART_MS: Final = 120_000


class WallClock:
    """Moves stream time where that is what the partition lives by; see `stream.agents.pace`.

    ``second_ms``: what another machine says, None while it has not said anything.
    """

    def __init__(
        self,
        partition: Partition,
        rest: Rest,
        clock: Clock,
        second_ms: Callable[[], int | None],
        options: WorkerOptions,
    ) -> None:
        self._partition = partition
        self._rest = rest
        self._clock = clock
        self._second_ms = second_ms
        self._options = options
        self._is_refused = False

    def apart_ms(self) -> int | None:
        """The clock of this machine less the other one."""
        second_ms = self._second_ms()
        return None if second_ms is None else self._clock.now_ms() - second_ms

    def moves(self, now_s: float) -> bool:
        """Move stream time, if it is time to; return whether it moved: only at rest."""
        if not self._rest.is_idle:
            return False
        state, now_ms = self._partition.state, self._clock.now_ms()
        idle_s, quiet_s = self._rest.idle_s(now_s), self._options.clock_quiet_s
        shop_times = self._options.shop_times
        if not follows_wall_clock(
            self._options.clock, state, now_ms, idle_s=idle_s, quiet_s=quiet_s, shop_times=shop_times
        ):
            return False
        target_ms = now_ms - _GRACE_MS
        if state.stream_time_ms is not None and target_ms < state.stream_time_ms + _STEP_MS:
            return False
        return self._is_right() and self._partition.at_time(target_ms, live=True)

    def _is_right(self) -> bool:
        apart_ms = self.apart_ms()
        is_right = apart_ms is not None and abs(apart_ms) <= MAX_APART_MS
        if not is_right:
            metrics.CLOCK_REFUSED.inc()
            if not self._is_refused:
                self._tell_of(apart_ms)
        self._is_refused = not is_right
        return is_right

    def _tell_of(self, apart_ms: int | None) -> None:
        if apart_ms is None:
            return  # before the first answer of the store there is nothing to compare with
        _LOG.error(
            "the clock of this machine is %+.0f s off the clock of Redis: partition %d does not follow it; "
            "set the clocks of both machines",
            apart_ms / 1000,
            self._partition.partition,
        )
