"""The expected state when workers leave in the middle of a log."""

import dataclasses
from collections.abc import Iterator

from stream.events.partitioner import partition_of
from stream.processing.document import packed_state
from stream.processing.rules import rules_of
from tests.faults.bench import Bench
from tests.faults.event_log import EventLog
from tests.faults.expectation import expected

__all__ = ["inexact"]


def inexact(bench: Bench) -> Iterator[str]:
    """C, F: the stored state differs from that of the processed records, each counted once.

    Profiles of customers with due timers may be from before or after these have fired.
    """
    states = bench.stored.states()
    for partition, state in states.items():
        if state.counters.events_in != sum(state.offsets.values()):
            yield f"C: partition {partition} stored {state.counters.events_in} of {state.offsets}"
    wanted = expected(_taken(bench), rules_of(bench.settings)).packed
    stored = {customer: packed_state(document) for customer, document in bench.stored.documents().items()}
    due = {
        customer
        for customer, at_ms in bench.stored.timers().items()
        if at_ms < (states[partition_of(customer, bench.log.partitions)].stream_time_ms or 0)
    }
    if wrong := sorted(c for c in (stored.keys() | wanted.keys()) - due if stored.get(c) != wanted.get(c)):
        yield f"F: {len(wrong)} of {len(wanted)} packed profiles are not of what was taken in: {wrong[:5]}"


def _taken(bench: Bench) -> EventLog:
    """The log up to the stored offsets."""
    states = bench.stored.states()
    records = [
        [log[: states[p].offsets.get(topic, 0) if p in states else 0] for p, log in enumerate(logs)]
        for topic, logs in zip(bench.settings.event_topics, bench.log.records, strict=True)
    ]
    return dataclasses.replace(bench.log, records=records)
