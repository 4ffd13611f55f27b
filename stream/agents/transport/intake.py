"""The handle with which the application steers the transport."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from faust.types import TP, AppT

from stream.agents.transport.flow import BatchFlow, LastActivity
from stream.agents.transport.partition_owner import PartitionOwner
from stream.agents.transport.transport_options import TransportOptions
from stream.errors import SettingsError, TopologyError

__all__ = ["Intake", "LogEnd", "Position", "attach", "intake_of"]


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of a partition, as of the last fetch response."""

    #: Offset after the last record that may be read under the isolation level.
    readable: int
    #: Offset that the next record will get.
    highwater: int
    #: When the response came, in milliseconds since the epoch.
    observed_at_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far the agent is in a partition."""

    #: The first offset that the agent has not received.
    next_offset: int
    #: ``None`` until the first fetch response after an assignment, also of an empty partition.
    end: LogEnd | None

    @property
    def lag(self) -> int | None:
        """Offsets between the agent and the end, ``None`` while the end is unknown."""
        return None if self.end is None else max(0, self.end.readable - self.next_offset)

    @property
    def at_end(self) -> bool:
        """Whether the agent had received everything there was at ``end.observed_at_ms``."""
        return self.lag == 0


class _Consumer(Protocol):
    async def rewind(self, offsets: Mapping[TP, int]) -> None: ...
    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]: ...
    def log_end(self, tp: TP) -> LogEnd | None: ...
    def is_batched(self, topic: str) -> bool: ...


class Intake:
    """Holds, rewinds and positions of the partitions of one app; made by `attach`.

    Use it on the event loop of the app. Only partitions of topics with `BatchSchema` are in it.
    """

    def __init__(self, owner: PartitionOwner, options: TransportOptions) -> None:
        self.owner = owner
        self.options = options
        self.flow = BatchFlow(
            batch_max_records=options.batch_max_records,
            queued_batches=options.queued_batches,
            monotonic=time.monotonic,
        )
        self._consumer: _Consumer | None = None

    def bind(self, consumer: _Consumer) -> None:
        """Called by the consumer of the app when it is made."""
        self._consumer = consumer

    @property
    def assigned(self) -> frozenset[TP]:
        """The partitions that are positioned and not revoked."""
        consumer = self._started()
        return frozenset(tp for tp in self.flow.ledger if consumer.is_batched(tp.topic))

    @property
    def progress(self) -> LastActivity:
        """For a watchdog: a healthy worker turns its fetch loop; one with lag also fetches and acks."""
        return self.flow.progress

    def hold(self, tp: TP) -> None:
        """Fetch no more of the partition; what was fetched already may still come. Ends with the lease."""
        self.flow.hold(tp)

    def release(self, tp: TP) -> None:
        """Fetch the partition again, at once."""
        self.flow.release(tp)

    def is_held(self, tp: TP) -> bool:
        return self.flow.is_held(tp)

    def position(self, tp: TP) -> Position | None:
        """How far the agent is, without a round trip; ``None`` if the partition is not assigned."""
        received_to = self.flow.ledger.received_to(tp)
        return None if received_to is None else Position(received_to, self._started().log_end(tp))

    async def rewind(self, offsets: Mapping[TP, int | None]) -> None:
        """Go to these offsets, None for the beginning of the log, and begin new leases there.

        When it returns, all older batches of the partitions, also those in Faust's queue, are not current,
        acks of them change nothing, and holds are released. A partition that is revoked meanwhile is left to
        its new owner. Raises `TopologyError` for a partition that is not assigned at the time of the call.
        """
        missing = sorted(offsets.keys() - self.assigned)
        if missing:
            raise TopologyError(f"cannot rewind {missing}: not assigned to this worker; drop their batches")
        # at once, before anything is awaited: what arrives meanwhile, and what waits, is not current any more
        leases = {tp: self.flow.open(tp, offset or 0) for tp, offset in offsets.items()}
        unknown = [tp for tp, offset in offsets.items() if offset is None]
        earliest = await self._started().earliest_offsets(*unknown) if unknown else {}
        await self._started().rewind(
            {
                tp: earliest[tp] if offset is None else offset
                for tp, offset in offsets.items()
                if self.flow.ledger.lease(tp) == leases[tp]
            }
        )

    def _started(self) -> _Consumer:
        if self._consumer is None:
            raise TopologyError("the app has no consumer yet: use the intake from its agents and hooks")
        return self._consumer


_INTAKES: WeakKeyDictionary[AppT, Intake] = WeakKeyDictionary()


def attach(app: AppT, owner: PartitionOwner, options: TransportOptions | None = None) -> Intake:
    """Give the app, whose broker URL is ``kafkabatch://...``, its owner. Call it before the app starts."""
    intake = _INTAKES[app] = Intake(owner, options or TransportOptions())
    return intake


def intake_of(app: AppT) -> Intake:
    """What `attach` made. Raises `SettingsError` if it was not called."""
    intake = _INTAKES.get(app)
    if intake is None:
        raise SettingsError(f"the app {app!r} uses kafkabatch:// without an owner: call attach(app, owner)")
    return intake
