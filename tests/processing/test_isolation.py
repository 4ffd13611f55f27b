"""Events that break a step are found, and no others are blamed."""

import pytest

from stream.errors import SystematicError
from stream.processing.align import Taken
from stream.processing.isolation import isolate
from tests.processing.runs import taken, view


class Choked:
    """A step that cannot take some customers."""

    def __init__(self, *poison: str) -> None:
        self.poison = set(poison)
        self.calls = 0

    def __call__(self, part: Taken) -> None:
        self.calls += 1
        if self.poison.intersection(part.customer_ids):
            raise ValueError(f"cannot\nprocess {sorted(self.poison.intersection(part.customer_ids))}")


def test_the_events_that_break_a_step_are_found_by_halving() -> None:
    log = [view(f"customer-{k}", f"e{k}", k / 10) for k in range(200)]
    run = taken([*log, *[view("customer-0", "more", 30)]])
    choked = Choked("customer-17", "customer-90")
    good = isolate(run, choked)
    assert len(good.events) == 199
    assert [rejection.reason.value for *_, rejection in good.rejections] == ["processing_failed"] * 2
    assert {record.key for _, record, _ in good.rejections} == {b"customer-17", b"customer-90"}
    assert all("\n" not in rejection.detail for *_, rejection in good.rejections)
    assert choked.calls < 40
    assert (good.next_offsets, good.finished) == (run.next_offsets, run.finished)
    assert good.records_in == run.records_in


def test_more_than_a_handful_of_failing_events_is_an_error_of_the_program() -> None:
    customers = [f"customer-{k}" for k in range(40)]
    run = taken([view(customer, f"e-{customer}", k / 10) for k, customer in enumerate(customers)])
    assert len(isolate(run, Choked(*customers[:8])).rejections) == 8
    with pytest.raises(SystematicError, match="more than 8 events of a step fail"):
        isolate(run, Choked(*customers[:9]))


def test_a_step_that_fails_without_events_is_not_the_events_fault() -> None:
    run = taken([view("ada", "a", 0), view("bob", "b", 1)])

    def broken(part: Taken) -> None:
        if len(part.events) == 2:
            raise ValueError("only together")

    assert isolate(run, broken).rejections == []
