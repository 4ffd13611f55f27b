"""What a partition remembers beside its customers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = ["Counters", "Outgoing", "PartitionState", "Rescored"]


class Counters(msgspec.Struct):
    """Totals over the life of a partition. They are written with every step, so they add up after any crash.

    ``events_in == applied + duplicates + dead_letters + forwarded`` holds in every stored state. ``forwarded``: events
    of customers of another partition, published again for it.
    """

    events_in: int = 0
    applied: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    customers: int = 0
    landmarks: int = 0
    labels: int = 0
    alerts_raised: int = 0
    alerts_cleared: int = 0
    raised_by_event: int = 0
    raised_by_silence: int = 0
    raised_by_model: int = 0
    segment_changes: int = 0
    forwarded: int = 0
    winbacks: int = 0
    stage_changes: int = 0


class Rescored(msgspec.Struct, frozen=True):
    """When all customers of a partition were last scored; see `stream.processing.rescoring`.

    ``asked``: the latest request that this has answered. ``stream_time_ms``: as of when, None: never. ``labels``: how
    many the model had learned. ``customers``: how many were scored.
    """

    asked: int = 0
    stream_time_ms: int | None = None
    labels: int = 0
    customers: int = 0


class PartitionState(msgspec.Struct):
    """``offsets``: next offset to process, by topic. ``stream_time_ms``: None before the first event.

    ``live``: the partition has caught up with producers that write in the present, so the wall clock moves its
    stream time. ``quarantined``: customers set aside, with why (`stream.processing.quarantine`). ``erased_up_to``: the
    requests before this offset of the topic `privacy-requests` are carried out. ``editions``: of a projection, the
    newest editions of customers (`stream.projections.moving`). ``places``: of a projection, what was read last of each
    partition of `arrivals` (`stream.identity.places`).
    """

    offsets: dict[str, int] = {}
    stream_time_ms: int | None = None
    live: bool = False
    counters: Counters = msgspec.field(default_factory=Counters)
    quarantined: dict[str, str] = {}
    rescored: Rescored = Rescored()
    erased_up_to: int = 0
    editions: dict[str, int] = {}
    places: dict[str, tuple[int, int, int]] = {}

    def next(self, quarantined: Mapping[str, str]) -> PartitionState:
        """A copy for the next step of the core to change."""
        return PartitionState(
            offsets=dict(self.offsets),
            stream_time_ms=self.stream_time_ms,
            live=self.live,
            counters=msgspec.structs.replace(self.counters),
            quarantined=dict(quarantined),
            rescored=self.rescored,
            erased_up_to=self.erased_up_to,
        )


class Outgoing(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record to publish. Its time is in the value: by an older record timestamp a broker would delete it early.

    It refers to nothing that could refer to it, so the garbage collector need not know it.

    ``appended_at_ms``: when the event that caused an alert was appended to its topic, None for any other record.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    appended_at_ms: int | None = None
