"""Unpack a profile, apply events and print the result: ``python -m tests.catalogue.repack < task``.

A program of its own, so that it has the declarations of its installation. Task and answer are JSON.
"""

import sys
from base64 import b64decode, b64encode
from typing import NamedTuple

import msgspec

from stream.events.kinds import EventKind
from tests.features.profiles import Profile
from tests.oracle.event import Event

__all__ = ["Heard", "RepackAnswer", "RepackTask", "answer"]


class Heard(NamedTuple):
    """An event without an order."""

    event_id: str
    kind: str
    at: int


class RepackTask(msgspec.Struct):
    """``packed``: base64. ``now``: time of the features (ms)."""

    packed: str
    events: list[Heard]
    now: int


class RepackAnswer(msgspec.Struct):
    """``pending``: the inputs by name of each landmark that waits for its label, without default values."""

    packed: str
    values: dict[str, float | None]
    pending: list[dict[str, int]]


def answer(task: RepackTask) -> RepackAnswer:
    profile = Profile.of(b64decode(task.packed))
    profile.apply([Event(event_id, EventKind[kind], at) for event_id, kind, at in task.events])
    packed = profile.packed()
    stored = Profile.of(packed)
    return RepackAnswer(b64encode(packed).decode(), stored.values(task.now), stored.pending())


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(answer(msgspec.json.decode(sys.stdin.read(), type=RepackTask))).decode())
