"""Events of customers of another partition: sent on once, applied once, in one place."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from stream.events.kinds import EventKind, EventType
from stream.events.partitioner import partition_of
from stream.processing.misplaced import FORWARDED_FROM, PartitionPlacement
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.processing.state import Outgoing
from tests.oracle.event import Event
from tests.oracle.record import LogEntry, Record, record_of, type_of
from tests.processing.logs import logs
from tests.processing.station import NOW_MS, Station

RULES = Rules()
_TYPES = {event_type.value: event_type for event_type in EventType}


def sent_on(records: list[Outgoing]) -> list[LogEntry]:
    """The records that were published again, as their topics have them."""
    return [
        (_TYPES[record.topic], Record(record.key, record.value, NOW_MS, headers=tuple(record.headers)))
        for record in records
        if any(name == FORWARDED_FROM for name, _ in record.headers) and record.topic in _TYPES
    ]


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20), st.integers(1, 300))
def test_the_compiled_partitioner_is_that_of_the_clients(customers: list[str], partitions: int) -> None:
    for p in {0, partitions - 1, partition_of(customers[0], partitions)}:
        expected = [customer for customer in customers if partition_of(customer, partitions) != p]
        assert PartitionPlacement(p, partitions).misplaced(customers) == expected


@given(logs())
def test_a_log_in_the_wrong_partition_gives_the_same_results(log: list[tuple[str, Event]]) -> None:
    wrong = Station(log, RULES, WARMING, PartitionPlacement(0, 2))
    wrong.finish()
    again = sent_on(wrong.outgoing)
    right = Station(again, RULES, WARMING, PartitionPlacement(1, 2))
    right.finish()
    for p, station in ((0, wrong), (1, right)):
        alone = Station(
            [(customer, event) for customer, event in log if partition_of(customer, 2) == p],
            RULES,
            WARMING,
            PartitionPlacement(p, 2),
        )
        alone.finish()
        customers = {customer for customer, _ in log if partition_of(customer, 2) == p}
        assert set(station.documents) == set(alone.documents) == customers
        if p == 1:  # in the wrong partition, events that are not applied still move time
            assert station.documents == alone.documents
        counters = station.counters
        parts = counters.applied + counters.duplicates + counters.dead_letters + counters.forwarded
        assert counters.events_in == parts
        assert counters.applied == alone.counters.applied
    assert wrong.counters.forwarded == len(again) == right.counters.events_in


def misplaced_order() -> LogEntry:
    event = Event("e-0", EventKind.ORDER_COMPLETED, NOW_MS - 10**9, "o-0", 10_000)
    customer = next(name for name in map("c-{}".format, range(100)) if partition_of(name, 2) == 1)
    return type_of(event), record_of(customer, event)


def test_an_event_that_was_sent_on_before_is_a_dead_letter_that_says_where_it_belongs() -> None:
    event_type, record = misplaced_order()
    assert isinstance(record, Record)
    again = record._replace(headers=((FORWARDED_FROM, b"7"),))
    station = Station([(EventType(event_type), again)], RULES, WARMING, PartitionPlacement(0, 2))
    station.finish()
    (letter,) = station.outgoing
    headers = dict(letter.headers)
    assert letter.topic == "dead-letters"
    assert headers["dlq.reason"] == b"wrong_partition"
    assert b"partition 1 of 2" in (headers["dlq.detail"] or b"")
    assert (station.counters.forwarded, station.counters.dead_letters, station.documents) == (0, 1, {})


def test_an_operator_may_have_misplaced_events_rejected() -> None:
    station = Station([misplaced_order()], RULES, WARMING, PartitionPlacement(0, 2, forward=False))
    station.finish()
    (letter,) = station.outgoing
    assert dict(letter.headers)["dlq.reason"] == b"wrong_partition"
    assert orjson.loads(letter.value or b"")["event_id"] == "e-0"
