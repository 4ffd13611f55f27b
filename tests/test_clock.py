"""The wall clock and the one that stands still."""

import time

from stream.clock import FixedClock, SystemClock


def test_the_system_clock_tells_milliseconds_since_the_epoch() -> None:
    before = int(time.time() * 1000)
    assert before <= SystemClock().now_ms() <= int(time.time() * 1000) + 1


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(at_ms=1_000)
    assert clock.now_ms() == clock.now_ms() == 1_000
    clock.advance(250)
    assert clock.now_ms() == 1_250
