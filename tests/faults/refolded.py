"""What projections must have in the end: all that their topics hold, folded in one step without Redis."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from stream.projections.all_projections import PROJECTIONS
from tests.faults.bench import Bench
from tests.faults.feedback_log import FeedbackLog
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

__all__ = ["recommendations_told", "refolded"]

Key = tuple[int, str]


def refolded(name: str) -> Callable[[Bench, FeedbackLog], Mapping[Key, object]]:
    """The states of a projection, by partition and key."""

    def wanted(bench: Bench, _: FeedbackLog) -> Mapping[Key, object]:
        return {
            (partition, key): orjson.loads(state)
            for partition, (states, _) in _folded(bench, name).items()
            for key, state in states.items()
        }

    return wanted


def recommendations_told(bench: Bench) -> Iterator[str]:
    """P: the newest record of each customer in the topic `recommendations` is that of the fold."""
    published = [one for _, outgoing in _folded(bench, "recommendations").values() for one in outgoing]
    wanted = _newest([(one.key, one.value) for one in published])
    found = _newest([(message.key(), message.value()) for message in bench.topics.read("recommendations")])
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if wrong or not wanted:
        one = wrong[0] if wrong else b""
        yield f"P: {len(wrong)} of {len(wanted)} records of recommendations differ, such as {one!r}: {found.get(one)!r}"


def _newest(records: list[tuple[bytes | None, bytes | None]]) -> dict[bytes, bytes]:
    found: dict[bytes | None, bytes | None] = dict(records)
    return {key: value for key, value in found.items() if key is not None and value is not None}


def _folded(bench: Bench, name: str) -> dict[int, tuple[dict[str, bytes], list[Any]]]:
    projection = PROJECTIONS[name](bench.settings)
    prefix = bench.settings.topic_prefix
    logs = [_records(bench, source.topic.removeprefix(prefix)) for source in projection.inputs]
    found = {}
    for partition in range(bench.log.partitions):
        own = [part_of(source, log[partition]) for source, log in enumerate(logs) if log.get(partition)]
        outcome = SteppedPartition(projection, partition, cache=2**31).step(*own)
        found[partition] = (outcome.written, [*outcome.outgoing])
    return found


def _records(bench: Bench, topic: str) -> dict[int, list[Record]]:
    logs: dict[int, list[Record]] = {}
    for message in bench.topics.read(topic):
        record = Record(message.key(), message.value(), message.timestamp()[1], message.offset())
        logs.setdefault(message.partition(), []).append(record)
    return logs
