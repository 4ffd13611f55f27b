"""The expected results of a log without faults: a fold over it, without Kafka, Redis or a worker."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from stream.catalogue.events import KERNEL_TYPES
from stream.events.decode import Decoder
from stream.events.id_hashes import hash_event_ids
from stream.events.kinds import EventType
from stream.events.rejections import Defect, Rejection
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.align import Aligner, Taken
from stream.processing.document import packed_state
from stream.processing.emission import ACTED_ON
from stream.processing.kernel import Kernel
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.step_outcome import StepOutcome
from stream.settings import Settings
from tests.faults.event_log import EventLog
from tests.faults.frozen_model import frozen_snapshot

__all__ = ["Expectation", "expected", "identity", "identity_of_dead_letter", "without_wall_clock"]

_TYPES = KERNEL_TYPES
_AT_END = [True] * len(_TYPES)
_SWEEP = 1000
TOPICS = Topics()


@dataclass
class Expectation:
    """``rescored``: whether all customers are looked at in the end. ``packed``: profile of each customer.
    ``published``: topic -> identity -> content without wall-clock times, in the order of first publication per
    partition. ``timers``: customer -> due (ms). ``counters``: by partition. ``told``: customers whose document is
    published because something that people act on has changed.
    """

    rescored: bool = False
    packed: dict[str, bytes] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    counters: dict[int, dict[str, int]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    published: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            topic: {} for topic in ("alerts", "segment-changes", "stages", "dead-letters", "training-examples")
        }
    )


def without_wall_clock(value: bytes) -> dict[str, Any]:
    """The content of an alert or change without the time of emission."""
    content: dict[str, Any] = orjson.loads(value)
    content.pop("emitted_at", None)
    return content


def identity_of_dead_letter(headers: Iterable[tuple[str, bytes | None]]) -> str:
    """The record of a dead letter: topic, partition, offset, reason."""
    found = {name: (text or b"").decode() for name, text in headers}
    topic = found["dlq.topic"].rpartition("events.")[2]
    return f"{topic}/{found['dlq.partition']}/{found['dlq.offset']}: {found['dlq.reason']}"


def identity(
    topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> tuple[str, dict[str, Any]]:
    """The identity of a published record, and its content."""
    if topic == "dead-letters":
        return identity_of_dead_letter(headers), {"key": key, "value": value}
    content = without_wall_clock(value or b"{}")
    name = {"alerts": "alert_id", "training-examples": "example_id"}.get(topic, "change_id")
    return content[name], content


def expected(
    log: EventLog,
    rules: Rules,
    *,
    step_records: int = 500,
    broken: Sequence[str] = (),
    rescored: bool = False,
    snapshot: ModelSnapshot | None = None,
) -> Expectation:
    """Fold the log of each partition.

    ``broken``: event ids whose processing fails, so that they are dead letters. ``rescored``: at the end all customers
    are looked at. ``snapshot``: what scores, the frozen one by default.
    """
    result = Expectation()
    result.rescored = rescored
    scorer = Scorer.of(snapshot or frozen_snapshot())
    hashes = np.concatenate([hash_event_ids(event_type, broken) for event_type in EventType])
    for partition in range(log.partitions):
        _fold(log, partition, rules, scorer, step_records, hashes, result)
    return result


def _without(taken: Taken, broken: npt.NDArray[np.int64]) -> Taken:
    """The run with the events of these hashed ids rejected."""
    bad = np.isin(taken.events["event_id"], broken)
    good = np.flatnonzero(~bad).tolist()
    rejection = Rejection(0, Defect.PROCESSING_FAILED, "")
    rejected = [(int(taken.sources[k]), taken.records[k], rejection) for k in np.flatnonzero(bad).tolist()]
    return dataclasses.replace(
        taken,
        events=taken.events[good],
        customer_ids=[taken.customer_ids[k] for k in good],
        sources=taken.sources[good],
        records=[taken.records[k] for k in good],
        rejections=[*taken.rejections, *rejected],
    )


def _inputs(log: EventLog, number: int) -> Aligner:
    decoder, aligner = Decoder.of(Settings()), Aligner(len(_TYPES))
    for source, event_type in enumerate(_TYPES):
        records = log.records[source][number]
        if records:
            offsets = np.arange(len(records), dtype=np.int64)
            aligner.push(source, None, offsets, records, decoder.decode(event_type, records))
    return aligner


def _fold(
    log: EventLog,
    number: int,
    rules: Rules,
    scorer: Scorer,
    step_records: int,
    broken: npt.NDArray[np.int64],
    result: Expectation,
) -> None:
    now_ms = 1_760_000_000_000
    names = [f"events.{event_type.value}" for event_type in _TYPES]
    acted_on = ACTED_ON[Settings().publish_customers]
    partition = Partition(number, rules, Kernel(rules), TOPICS, names, 2**62, published=acted_on)
    aligner = _inputs(log, number)
    documents: dict[str, bytes] = {}
    timers: dict[str, int] = {}

    def accept(outcome: StepOutcome) -> None:
        partition.accept(outcome)
        documents.update(outcome.documents)
        timers.update(outcome.timers)
        for customer in outcome.idle:
            timers.pop(customer, None)
        for record in outcome.outgoing:
            if record.topic == TOPICS.customers:
                result.told.add((record.key or b"").decode())
                continue
            name, content = identity(record.topic, record.key, record.value, record.headers)
            if result.published[record.topic].setdefault(name, content) != content:
                raise AssertionError(f"two records of {record.topic} have the identity {name}")

    def load(customers: Iterable[str]) -> None:
        missing = partition.missing(customers)
        partition.remember(missing, [documents.get(customer) for customer in missing])

    while (taken := aligner.take(_AT_END, step_records)) is not None:
        taken = _without(taken, broken)
        load(taken.customer_ids)
        accept(partition.step(taken, scorer, now_ms))
        now = partition.state.stream_time_ms
        while now is not None and (due := [customer for customer, at in timers.items() if at < now][:_SWEEP]):
            load(due)
            accept(partition.sweep(due, scorer, now_ms))
    if result.rescored:
        load(documents)
        accept(partition.prepare_sweep([*documents], scorer, now_ms, looks_at_all=True, tells_all=True).outcome())
    result.packed |= {customer: packed_state(document) for customer, document in documents.items()}
    result.timers |= timers
    result.counters[number] = msgspec.to_builtins(partition.state.counters)
