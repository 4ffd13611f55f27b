"""Steps of several partitions that are under way at once give what they give one after the other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.processing import buffers
from stream.processing.advance import ROOM
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.prepared import Prepared
from stream.processing.rules import Rules
from stream.processing.step_outcome import StepOutcome
from tests.features.lists_of_events import DAY
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.runs import TOPICS, order, taken, view
from tests.processing.station import EVERYTHING, NOW_MS, Log

RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=28 * DAY)
SCORER = scorer_of(SILENCE)


def log_of(seed: int, customers: int, events: int) -> Log:
    """Orders and views over most of a year, with silences that raise alerts."""
    random = np.random.default_rng(seed)
    days = np.sort(random.uniform(0, 300, events)).tolist()
    whose = random.integers(0, customers, events).tolist()
    return [
        (order if random.random() < 0.5 else view)(f"{seed}-{who}", f"{seed}-{k}", day)
        for k, (who, day) in enumerate(zip(whose, days, strict=True))
    ]


class SharedKernel:
    """Partitions that share a kernel, each in the middle of its log."""

    def __init__(self, logs: list[Log]) -> None:
        self.kernel = Kernel(RULES)
        self.partitions = [
            Partition(number, RULES, self.kernel, Topics(), TOPICS, EVERYTHING) for number in range(len(logs))
        ]
        self.logs = logs
        for partition, log in zip(self.partitions, logs, strict=True):
            partition.accept(self.prepared(partition, log[: len(log) // 2]).outcome())

    def prepared(self, partition: Partition, log: Log) -> Prepared:
        run = taken(log)
        missing = partition.missing(run.row_of)
        partition.remember(missing, [None] * len(missing))
        return partition.prepare_step(run, SCORER, NOW_MS)

    def second_halves(self) -> list[Prepared]:
        return [
            self.prepared(partition, log[len(log) // 2 :])
            for partition, log in zip(self.partitions, self.logs, strict=True)
        ]

    def sweeps(self) -> list[Prepared]:
        found = []
        for partition, log in zip(self.partitions, self.logs, strict=True):
            partition.at_time((partition.state.stream_time_ms or 0) + 100 * DAY, live=False)
            found.append(partition.prepare_sweep([*dict.fromkeys(who for who, _ in log)], SCORER, NOW_MS))
        return found

    def accept(self, outcomes: list[StepOutcome]) -> list[StepOutcome]:
        for partition, outcome in zip(self.partitions, outcomes, strict=True):
            partition.accept(outcome)
        return outcomes


def at_once(steps: list[Prepared]) -> list[StepOutcome]:
    """Every step in a thread of its own, all at the same time; finished when the last has run."""
    together = Barrier(len(steps))

    def run(step: Prepared) -> object:
        together.wait(20)
        return step.run()

    with ThreadPoolExecutor(len(steps)) as threads:
        runs = [*threads.map(run, steps)]
    return [step.finish(made) for step, made in zip(steps, runs, strict=True)]  # type: ignore[arg-type]


def one_by_one(steps: list[Prepared]) -> list[StepOutcome]:
    return [step.outcome() for step in steps]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(2, 600)), min_size=2, max_size=3), st.integers(0, 1000))
def test_steps_under_way_at_once_give_the_same_bytes(sizes: list[tuple[int, int]], seed: int) -> None:
    with patch.object(buffers, "_EMISSIONS", 2 * ROOM):  # the loops are left and entered again all the time
        logs = [log_of(seed + k, *size) for k, size in enumerate(sizes)]
        alone, beside = SharedKernel(logs), SharedKernel(logs)
        assert at_once(beside.second_halves()) == one_by_one(alone.second_halves())


def test_large_steps_and_sweeps_under_way_at_once_give_the_same_bytes() -> None:
    logs = [log_of(k, 200, 4_000) for k in range(3)]
    alone, beside = SharedKernel(logs), SharedKernel(logs)
    expected = alone.accept(one_by_one(alone.second_halves()))
    assert beside.accept(at_once(beside.second_halves())) == expected
    assert all(len(outcome.documents) == 200 for outcome in expected)
    assert any(record.topic == "alerts" for outcome in expected for record in outcome.outgoing)
    swept = at_once(beside.sweeps())
    assert swept == one_by_one(alone.sweeps())
    assert all(any(outcome.fired.values()) for outcome in swept)
    assert len(beside.kernel._idle) <= 3
    assert len(alone.kernel._idle) == 1
