"""Fold events, or learn from examples, and say all that follows: ``python -m tests.catalogue.whole_path < task``.

As `tests.catalogue.repack`, it runs in the installation whose declarations it is to know. Nothing in an answer depends
on the order in which that installation holds its features.
"""

import sys
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.features.registry import FEATURE_NAMES
from stream.online_models.example import InvalidExample, decode_example
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import LearnerSettings
from stream.online_models.snapshot import encode_snapshot
from stream.processing.document import public
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.state import Outgoing

__all__ = ["Entry", "Followed", "WholePath", "followed"]

NOW_MS = 1_800_000_000_000
#: So few labels that the log of a test makes a model that scores.
_LEARNING = LearnerSettings(min_labels=60, min_class_labels=5)
#: A model of a few hundred labels is sure of little.
_RULES = Rules()._replace(raise_at=0.5, clear_at=0.4)


class Entry(msgspec.Struct, array_like=True):
    """An event of the log: its type, its customer, its time (ms), and itself as JSON."""

    type: str
    customer: str
    at: int
    native: str


class WholePath(msgspec.Struct):
    """The task: ``events`` to fold, or ``examples`` to learn after a ``checkpoint`` (base64; empty: from nothing)."""

    events: list[Entry] = []
    examples: list[str] = []
    checkpoint: str = ""


class Followed(msgspec.Struct):
    """``features``: in the order of the installation. ``published``: (topic, key, content), in order.

    ``checkpoint`` and ``snapshot``: as they are stored, in base64.
    """

    features: list[str]
    published: list[tuple[str, str, Any]]
    documents: dict[str, Any]
    checkpoint: str
    snapshot: str


def followed(task: WholePath) -> Followed:
    """What follows from a task."""
    learner = Learner.load(b64decode(task.checkpoint), _LEARNING) if task.checkpoint else Learner(_LEARNING)
    outgoing: list[Outgoing] = []
    run = Replay(_RULES, learner, Decoder(), NOW_MS, run_records=100, on_outgoing=outgoing.append)
    log = [LogEvent(EventType(entry.type), entry.customer, entry.at, entry.native.encode()) for entry in task.events]
    for _ in run.run(log):
        pass
    for text in task.examples:
        example = decode_example(text.encode())
        refused = example if isinstance(example, InvalidExample) else learner.learn(example)
        if refused is not None:
            raise AssertionError(f"{text}: {refused}")
    return Followed(
        [*FEATURE_NAMES],
        [(r.topic, (r.key or b"").decode(), msgspec.json.decode(r.value or b"null")) for r in outgoing],
        {customer: msgspec.json.decode(public(document)) for customer, document in run.documents.items()},
        b64encode(learner.dump()).decode(),
        b64encode(encode_snapshot(learner.snapshot(NOW_MS))).decode(),
    )


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(followed(msgspec.json.decode(sys.stdin.read(), type=WholePath))).decode())
