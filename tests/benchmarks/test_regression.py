"""The core has not become slower: a ratio of two measurements of the same run, see `benchmarks.regression`."""

import pytest

from benchmarks.regression import Turns, is_slower, recorded

#: A busy machine gets more turns before the verdict.
MAX_TURNS, TURNS_AT_A_TIME = 60, 6


@pytest.mark.timeout(240)
def test_the_core_is_not_slower_than_recorded() -> None:
    turns = Turns()
    taken, ratio = 0, float("inf")
    while is_slower(ratio, recorded()) and taken < MAX_TURNS:
        ratio = turns.take(TURNS_AT_A_TIME)
        taken += TURNS_AT_A_TIME
    assert not is_slower(ratio, recorded()), (
        f"the core takes {ratio:.2f} times what parsing takes, {recorded():.2f} are on record: find what became "
        "slower, or record what it is worth with python -m benchmarks.regression --record"
    )


def test_a_loss_of_more_than_a_fifth_is_one() -> None:
    assert is_slower(12.1, 10.0)
    assert not is_slower(11.9, 10.0)
