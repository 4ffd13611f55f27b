"""A few seeded faults on every change; `make faults` tries them all, often."""

from collections.abc import Iterator

import pytest

from tests.faults.brokers import Brokers
from tests.faults.trials import FAULTS, attempt
from tests.kafka.required import required_kafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def brokers() -> Iterator[Brokers]:
    with Brokers() as found:
        yield found


@pytest.mark.parametrize("name", ["worker-kill-twice", "redis-kill-once"])
def test_nothing_is_lost_or_doubled_on_the_embedded_broker(name: str, brokers: Brokers) -> None:
    result = attempt(FAULTS[name], 1, "embedded", brokers)
    assert result.violations == []
    assert result.faults >= 1


def test_nothing_is_lost_or_doubled_when_a_whole_machine_dies(brokers: Brokers) -> None:
    result = attempt(FAULTS["machine-kill-twice"], 1, "durable", brokers)
    assert result.violations == []
    assert result.faults == 2


def test_nobody_notices_that_the_console_its_database_and_the_directory_die(brokers: Brokers) -> None:
    result = attempt(FAULTS["console-and-database-killed"], 1, "embedded", brokers)
    assert result.violations == []
    assert result.faults == 6


@pytest.mark.parametrize("name", ["zombie-once", "partitions-added"])
def test_nothing_is_lost_or_doubled_on_real_kafka(name: str, brokers: Brokers) -> None:
    required_kafka()
    result = attempt(FAULTS[name], 1, "kafka", brokers)
    assert result.violations == []
    assert result.faults >= 1


def test_without_the_alignment_the_harness_notices(brokers: Brokers) -> None:
    # how the topics come interleaved depends on the machine, so one run may show nothing
    tried = (attempt(FAULTS["undisturbed"], seed, "embedded", brokers, mutant="alignment") for seed in (1, 2, 3))
    assert any(violation[0] in "FACL" for result in tried for violation in result.violations)
