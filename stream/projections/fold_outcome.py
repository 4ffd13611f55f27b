"""What a step of a projection writes and publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stream.alerts.alert_records import Alert
from stream.events.record import Record
from stream.events.rejections import Defect
from stream.processing.state import Outgoing, PartitionState

__all__ = ["Outcome", "Part", "ProjectionTopics"]


class Part(NamedTuple):
    """Consecutive records of input ``source``, and the offset after them."""

    source: int
    records: Sequence[Record]
    next_offset: int


class ProjectionTopics(NamedTuple):
    """Where a projection publishes to beside topics of its own."""

    dead_letters: str
    alerts: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step writes and publishes; nothing of it is true before `FoldingPartition.accept`.

    ``written``: states as stored, by key. ``forgotten``: keys whose state goes. ``records``: how many were taken in;
    ``folded`` of them as messages, the others ``skipped`` or dead letters of the reasons ``rejected``. ``timers``: when
    new timers are due, by `timer_of`; ``idle``: timers that go. ``alerts`` are among ``outgoing``.
    """

    state: PartitionState
    written: dict[str, bytes] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    timers: Mapping[str, int] = field(default_factory=dict)
    idle: Sequence[str] = ()
    alerts: Sequence[Alert] = ()
    records: int = 0
    folded: int = 0
    skipped: int = 0
    rejected: tuple[Defect, ...] = ()
