"""Fold events with given models, or learn from examples: ``python -m tests.catalogue.whole_path < task``.

Like `tests.catalogue.repack`, it has the declarations of its installation. Task and answer are JSON; stored models in
them are base64.
"""

import sys
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from stream.events.kinds import EventType
from stream.features.registry import FEATURE_NAMES
from stream.online_models.example import InvalidExample, decode_example
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.processing.document import public
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from tests.oracle.record import Record
from tests.processing.station import NOW_MS, Station

__all__ = ["Folded", "Folding", "Learned", "Learning", "LoggedRecord", "folded", "learned"]

_LEARNING = LearnerSettings(min_labels=100, min_class_labels=10)
#: A low level, because a model of a few hundred labels is sure of little.
_RULES = Rules()._replace(raise_at=0.5, clear_at=0.4)


class LoggedRecord(msgspec.Struct, array_like=True):
    """A record of an input."""

    type: str
    key: str
    value: str
    at: int


class Folding(msgspec.Struct, tag="folding"):
    events: list[LoggedRecord]
    snapshot: str


class Folded(msgspec.Struct):
    """``features``: in the order of the installation. ``published``: (topic, key, content), in order."""

    features: list[str]
    documents: dict[str, Any]
    published: list[tuple[str, str, Any]]


class Learning(msgspec.Struct, tag="learning"):
    """``checkpoint``: where to resume; empty: start anew."""

    examples: list[str]
    checkpoint: str = ""


class Learned(msgspec.Struct):
    features: list[str]
    checkpoint: str
    snapshot: str


def folded(task: Folding) -> Folded:
    """The results of the events in a partition."""
    entries = [(EventType(e.type), Record(e.key.encode(), e.value.encode(), e.at)) for e in task.events]
    station = Station(entries, _RULES, Scorer.of(decode_snapshot(b64decode(task.snapshot))))
    station.finish()
    return Folded(
        [*FEATURE_NAMES],
        {customer: msgspec.json.decode(public(document)) for customer, document in station.documents.items()},
        [(r.topic, (r.key or b"").decode(), msgspec.json.decode(r.value or b"null")) for r in station.outgoing],
    )


def learned(task: Learning) -> Learned:
    """The trainer's models after the examples."""
    learner = Learner.load(b64decode(task.checkpoint), _LEARNING) if task.checkpoint else Learner(_LEARNING)
    for text in task.examples:
        example = decode_example(text.encode())
        refused = example if isinstance(example, InvalidExample) else learner.learn(example)
        if refused is not None:
            raise AssertionError(f"{text}: {refused}")
    snapshot = encode_snapshot(learner.snapshot(NOW_MS))
    return Learned([*FEATURE_NAMES], b64encode(learner.dump()).decode(), b64encode(snapshot).decode())


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.read(), type=Folding | Learning)
    done = folded(given) if isinstance(given, Folding) else learned(given)
    sys.stdout.write(msgspec.json.encode(done).decode())
