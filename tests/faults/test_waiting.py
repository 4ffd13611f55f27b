"""A machine that stands still does not make a trial fail, and what never happens does."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults import waiting
from tests.faults.waiting import Patience, TooLateError, wait


def at(times: list[float]) -> Callable[[], float]:
    ahead: Iterator[float] = iter(times)
    return lambda: next(ahead)


def test_time_in_which_the_machine_was_stopped_is_not_used_up() -> None:
    patience = Patience(2.5, at([0.0, 1.0, 4000.0, 4000.5, 4001.1]))
    assert [patience.is_over() for _ in range(4)] == [False, False, False, True]


def test_what_happens_renews_it() -> None:
    patience = Patience(1.5, at([0.0, 1.0, 1.0, 2.0, 3.0]))
    assert not patience.is_over()
    patience.renew()
    assert [patience.is_over(), patience.is_over()] == [False, True]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50), st.integers(0, 20))
def test_each_second_between_two_looks_counts_once_at_most(gaps: list[int], limit_s: int) -> None:
    patience = Patience(limit_s, at([float(sum(gaps[:number])) for number in range(len(gaps) + 1)]))
    used_s = 0
    for gap in gaps:
        used_s += min(gap, 1)
        assert patience.is_over() is (used_s > limit_s)


def test_what_never_happens_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count()
    monkeypatch.setattr(waiting, "POLL_S", 0.0)
    monkeypatch.setattr(waiting, "Patience", lambda limit_s: Patience(limit_s, lambda: float(next(seconds))))
    with pytest.raises(TooLateError, match="not within 60 s: rain\nsun"):
        wait("rain", lambda: False, 60.0, tell=lambda: "sun")
