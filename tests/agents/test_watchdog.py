"""The watchdog ends the worker when a part with work stands still and no server is the cause."""

from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from stream.agents.owner import Owner
from stream.agents.transport import TP, Intake, LastActivity, LogEnd, Position
from stream.agents.watchdog import Standstill, Watchdog

STALLED_AFTER_S = 10.0
TOPICS = ("click", "email")


@dataclass
class _CountingWorker:
    signs: int = 0
    records_stored: int = 0
    waiting: dict[int, int] = field(default_factory=dict)

    def buffered(self, source: int) -> int:
        return self.waiting.get(source, 0)


class _WatchdogBench:
    """A watchdog over one partition. The test moves its parts by hand; the fetch loop turns by itself."""

    def __init__(self) -> None:
        self.worker = _CountingWorker()
        self.workers = {0: self.worker}
        self.positions: dict[TP, Position] = {}
        self.redis = self.broker = True
        self.fetches = True
        self.polled_at_s = 0.0
        self.at_s = 0.0
        self.watchdog = Watchdog(
            cast("Intake", self),
            cast("Owner[Any]", self),
            TOPICS,
            stalled_after_s=STALLED_AFTER_S,
            redis_answers=lambda: self.redis,
            broker_answers=lambda _tp: self.broker,
        )

    @property
    def progress(self) -> LastActivity:
        return LastActivity(self.polled_at_s, 0.0)

    def position(self, tp: TP) -> Position | None:
        return self.positions.get(tp)

    def lag(self, received: int, end: int) -> None:
        self.positions[TP("click", 0)] = Position(received, LogEnd(end, end, 0))

    def watch(self, seconds: float, each_second: Any = lambda: None, *, loop_turns: bool = True) -> str:
        """The watchdog's verdict within ``seconds``; it checks every second."""
        for _ in range(int(seconds)):
            self.at_s += 1.0
            if self.fetches:
                self.polled_at_s = self.at_s
            if loop_turns:
                self.watchdog._beats += 1
            each_second()
            if said := self.watchdog.stalled(self.at_s):
                return said
        return ""


def test_a_worker_without_work_may_stand_still() -> None:
    bench = _WatchdogBench()
    bench.lag(7, 7)
    assert bench.watch(100) == ""


def test_records_that_are_received_and_never_stored_are_a_reason_to_leave() -> None:
    bench = _WatchdogBench()
    bench.worker.waiting = {1: 30}
    assert "email/0 has not moved for 10 s" in (said := bench.watch(20))
    assert "30 records are received and not stored" in said


def test_records_that_wait_in_the_log_and_are_never_received_are_a_reason_to_leave() -> None:
    bench = _WatchdogBench()
    bench.lag(7, 100)
    bench.worker.signs += 1
    assert "93 wait in the log" in bench.watch(20)


def test_an_input_that_is_not_received_is_noticed_while_another_one_is_processed() -> None:
    bench = _WatchdogBench()
    bench.lag(7, 100)
    bench.worker.waiting = {1: 30}

    def step() -> None:
        bench.worker.signs += 1

    assert bench.watch(20, step).startswith("click/0")


def test_a_slow_worker_that_moves_may_go_on() -> None:
    bench = _WatchdogBench()
    bench.worker.waiting = {0: 30}

    def step_now_and_then() -> None:
        bench.worker.signs += int(bench.at_s) % 8 == 0

    assert bench.watch(100, step_now_and_then) == ""


def test_an_unreachable_server_is_no_reason_to_leave_and_the_time_starts_again_afterwards() -> None:
    for server in ("redis", "broker"):
        bench = _WatchdogBench()
        bench.worker.waiting = {0: 30}
        bench.lag(7, 100)
        setattr(bench, server, False)
        assert bench.watch(100) == ""
        setattr(bench, server, True)
        assert bench.watch(1) == ""
        assert bench.watch(20) != ""


def test_a_hanging_event_loop_is_a_reason_whatever_the_servers_do() -> None:
    bench = _WatchdogBench()
    bench.redis = bench.broker = False
    assert bench.watch(20, loop_turns=False).startswith("the event loop has not moved")


def test_a_fetch_loop_that_hangs_is_a_reason_while_partitions_are_assigned() -> None:
    bench = _WatchdogBench()
    bench.fetches = False
    assert bench.watch(20).startswith("the fetch loop has not moved")
    bench = _WatchdogBench()
    bench.fetches = False
    bench.workers.clear()
    assert bench.watch(100) == ""


def test_a_fetch_loop_that_comes_late_because_of_long_steps_hangs_when_nothing_is_left_to_store() -> None:
    bench = _WatchdogBench()
    bench.fetches = False
    left = list(range(60))

    def store() -> None:
        bench.worker.records_stored += bool(left) and left.pop() >= 0

    assert bench.watch(60, store) == ""
    assert bench.watch(20, store).startswith("the fetch loop has not moved")


def test_a_process_that_was_frozen_as_a_whole_has_time_to_go_on() -> None:
    bench = _WatchdogBench()
    bench.worker.waiting = {0: 30}
    assert bench.watch(2) == ""
    bench.at_s += 10_000.0
    assert bench.watch(5, loop_turns=False) == ""


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.01, 1.0)), min_size=1, max_size=50))
def test_standstill_is_the_time_since_the_mark_changed_last(looks: list[tuple[int, float]]) -> None:
    standstill = Standstill(longest_look_s=1.0)
    at_s = since_s = 0.0
    last: int | None = None
    for mark, passed_s in looks:
        at_s += passed_s
        if mark != last:
            since_s, last = at_s, mark
        assert abs(standstill.look({"p": mark}, at_s)["p"] - (at_s - since_s)) < 1e-6
