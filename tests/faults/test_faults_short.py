"""A few seeded faults on every change; `make faults` tries them all, often."""

import pytest

from tests.faults.trials import FAULTS, attempt
from tests.kafka.jars import missing_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", ["worker-kill-twice", "zombie-once", "redis-kill-once"])
def test_nothing_is_lost_or_doubled_on_the_embedded_broker(name: str) -> None:
    result = attempt(FAULTS[name], seed=1, kind="embedded")
    assert result.violations == []
    assert result.faults >= 1


@pytest.mark.skipif(missing_program() is not None, reason=missing_program() or "")
def test_nothing_is_lost_or_doubled_when_a_worker_dies_on_real_kafka() -> None:
    result = attempt(FAULTS["worker-kill-twice"], seed=1, kind="kafka")
    assert result.violations == []
    assert result.faults == 2


def test_without_the_alignment_the_harness_notices() -> None:
    result = attempt(FAULTS["undisturbed"], seed=1, kind="embedded", mutant="alignment")
    assert result.violations != []
