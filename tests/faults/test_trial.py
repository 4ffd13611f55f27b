"""A schedule follows from its seed, whatever happens meanwhile."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.scenario import Trial


class _FinishedBench:
    """Four partitions with an owner each; those in ``finished`` have nothing left to do."""

    def __init__(self, owners: list[str], finished: set[int]) -> None:
        self.log = SimpleNamespace(partitions=len(owners))
        self.finished = finished.__contains__
        self.owner_of = owners.__getitem__


def _trial(owners: list[str], finished: set[int], seed: int) -> Trial:
    bench: Any = _FinishedBench(owners, finished)
    return Trial(bench, random.Random(seed))


@pytest.mark.parametrize("seed", range(5))
def test_the_candidates_do_not_change_the_next_draw(seed: int) -> None:
    many, few = _trial(["w0", "w1", "w2", "w3"], set(), seed), _trial(["w0", "w1", "w0", "w1"], {1, 3}, seed)
    assert (many.owner() in {"w0", "w1", "w2", "w3"}, few.owner()) == (True, "w0")
    assert many.moments(3) == few.moments(3)


def test_the_victim_owns_an_unfinished_partition_as_long_as_there_is_one() -> None:
    assert {_trial(["w0", "w1", "w1", ""], {0}, seed).owner() for seed in range(20)} == {"w1"}
    assert {_trial(["w0", "w1", "w0", "w1"], {0, 1, 2, 3}, seed).owner() for seed in range(20)} == {"w0", "w1"}
