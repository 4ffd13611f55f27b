"""The state that workers must store when they leave in the middle of a log."""

from base64 import b64encode
from typing import Any

import pytest

from stream.processing.rules import rules_of
from stream.processing.state import Counters, PartitionState
from stream.settings import Settings
from tests.faults.event_log import EventLog, made_log
from tests.faults.expectation import Expectation, expected
from tests.faults.taken import inexact

LOG = made_log(1, customers=12, partitions=2)


class _StoredBench:
    """Has stored the whole log, but counts ``skipped`` records of one input of partition 0 as not taken in."""

    settings = Settings()
    log: EventLog = LOG

    def __init__(self, wanted: Expectation, skipped: int, counted: int) -> None:
        self.stored = self
        self._packed = wanted.packed
        self._skipped = skipped
        self._counted = counted

    def states(self) -> dict[int, PartitionState]:
        states = {}
        for partition in range(LOG.partitions):
            ends = LOG.ends(partition)
            if partition == 0:
                ends[-1] -= self._skipped
            counters = Counters(events_in=sum(ends) + (self._counted if partition == 0 else 0))
            offsets = dict(zip(self.settings.event_topics, ends, strict=True))
            states[partition] = PartitionState(offsets, 0, counters=counters)
        return states

    def documents(self) -> dict[str, bytes]:
        return {customer: b'{"state":"%s"}' % b64encode(packed) for customer, packed in self._packed.items()}

    def timers(self) -> dict[str, int]:
        return {}


@pytest.fixture(scope="module")
def wanted() -> Expectation:
    return expected(LOG, rules_of(Settings()))


@pytest.mark.parametrize(("skipped", "counted", "letters"), [(0, 0, []), (3, 0, ["F"]), (0, 1, ["C"])])
def test_the_stored_state_must_be_that_of_the_processed_records(
    wanted: Expectation, skipped: int, counted: int, letters: list[str]
) -> None:
    bench: Any = _StoredBench(wanted, skipped, counted)
    assert [violation[0] for violation in inexact(bench)] == letters
