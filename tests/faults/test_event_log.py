"""The log of a seed has what its faults promise, and the oracle knows it."""

import time
from collections import Counter

import pytest

from stream.catalogue.events import KERNEL_TYPES
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.rejections import Defect
from stream.processing.rules import Rules
from stream.settings import Settings
from tests.faults.event_log import LogRecord, made_log
from tests.faults.expectation import expected
from tests.faults.poison import POISON, Poison, good_event

APPENDED_AT_MS = 1_760_000_000_000
SEEDS = [1, 2, 3]


def reasons(poison: Poison) -> list[Defect]:
    sources = [poison.only] if poison.only else list(KERNEL_TYPES)
    found: list[Defect] = []
    for source in sources:
        record = LogRecord(*poison.make(source, "c0001", 1), APPENDED_AT_MS, 0)
        found += [bad.reason for bad in Decoder.of(Settings()).decode(source, [record]).rejections]
    return found


@pytest.mark.parametrize("poison", POISON, ids=[f"{k}-{poison.reason}" for k, poison in enumerate(POISON)])
def test_each_kind_of_poison_is_refused_for_its_own_reason(poison: Poison) -> None:
    assert reasons(poison) == [poison.reason] * (1 if poison.only else len(KERNEL_TYPES))


@pytest.mark.parametrize("source", list(KERNEL_TYPES))
def test_what_poison_is_made_of_is_an_event_without_it(source: EventType) -> None:
    made = [poison for poison in POISON if poison.reason == "null_key"]
    _, value = made[0].make(source, "c0001", 1)
    assert good_event(source, "c0001", 1)["customer_id"] == "c0001"
    decoded = Decoder.of(Settings()).decode(source, [LogRecord(b"c0001", value, APPENDED_AT_MS, 0)])
    assert decoded.rejections == []


@pytest.mark.parametrize("days", [2, 150])
def test_poison_in_a_log_becomes_dead_letters_for_the_reasons_of_its_kinds(days: int) -> None:
    log = made_log(1, customers=10, poison=9 * len(POISON), days=days)
    found = Counter(name.rpartition(" ")[2] for name in expected(log, Rules()).published["dead-letters"])
    wanted = Counter(str(poison.reason) for poison in POISON)
    assert found == {reason: 9 * kinds for reason, kinds in wanted.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_events_beyond_the_retention_are_too_late_and_no_others_are(seed: int) -> None:
    log = made_log(seed, customers=60, lateness_days=89, too_late=25)
    found = {name for name in expected(log, Rules()).published["dead-letters"] if name.endswith(": too_late")}
    assert len(log.too_late) == 25
    assert found == log.too_late


@pytest.mark.parametrize("seed", SEEDS)
def test_half_of_the_traffic_is_of_the_hot_customer(seed: int) -> None:
    log = made_log(seed, hot_share=0.5, customers=12)
    keys = [record.key for logs in log.records for records in logs for record in records]
    assert keys.count(b"hot") >= len(keys) / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fresh_log_ends_now_and_has_no_event_that_lies_too_far_ahead(seed: int) -> None:
    log = made_log(seed, customers=20, fresh=10)
    now_ms = time.time_ns() // 1_000_000
    times = [event.at for events in log.truth.values() for event in events]
    assert sum(at > now_ms - 1_800_000 for at in times) >= 10 * 20
    assert now_ms < max(times) <= now_ms + 200_000
    dead = {name.rpartition(" ")[2] for name in expected(log, Rules()).published["dead-letters"]}
    assert dead == {str(poison.reason) for poison in POISON}
