"""Whether what customers have said by now has been read, before somebody acts by it.

Statements are in topics of their own, and the projection `consents` has positions of its own in them. Whoever asks
before it is at their ends takes a person who refused for one who has said nothing: after a Redis that lost everything,
while `consents` is built again, or while it lags. So whoever learns, or sends, waits until it has read what was in the
topics a second ago.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from stream.agents.kafka_access import FrankAdminClient
from stream.consent.consented import Consented
from stream.errors import UnreadError
from stream.projections.all_projections import projections_of
from stream.projections.consents import Consents
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk

__all__ = ["ConsentsRead"]

#: As of so long ago (s) the ends of the topics may be known.
_STALE_S: Final = 1.0
_ANSWER_S: Final = 3.0
#: A projection is some tenths of a second behind while events flow.
_MOMENT_S: Final = 1.0
_LOOK_S: Final = 0.05


class ConsentsRead:
    """Asks the stored offsets of `consents` and, once a second, the brokers.

    Where the setting ``projections`` does not name `consents`, nobody is waited for: nobody may ever fold it.
    """

    def __init__(self, settings: Settings) -> None:
        folded = next((one for one in projections_of(settings) if isinstance(one, Consents)), None)
        self._topics = () if folded is None else tuple(source.topic for source in folded.inputs)
        self._partitions = settings.partitions
        self._settings = settings
        self._desk: ConsentDesk | None = None
        self._brokers: FrankAdminClient | None = None
        self._ends: Mapping[tuple[str, int], int] = {}
        self._ends_at_s, self._is_read = float("-inf"), True
        self._turn = asyncio.Lock()

    async def unread(self) -> str:
        """As `unread_now`, beside an event loop; callers take turns."""
        if not self._topics:
            return ""
        async with self._turn:
            return await asyncio.to_thread(self.unread_now)

    def unread_now(self) -> str:
        """Why nobody may go by what customers have said; empty when all of it has been read.

        Raises `StorageError` when Redis fails.
        """
        if not self._topics:
            return ""
        if self._is_read and time.monotonic() - self._ends_at_s >= _STALE_S:
            try:
                self._ends = self._asked_ends()
            except KafkaException as error:
                return f"no broker tells where {' and '.join(self._topics)} end: {error.args[0].str()}"
            self._ends_at_s = time.monotonic()
        # the ends stay until they are reached: others that move away under load never would be
        stored = self._consents().read_to()
        left = sum(max(end - stored.get(place, 0), 0) for place, end in self._ends.items())
        self._is_read = left == 0
        return f"the projection consents has yet to read {left:,} records of {' and '.join(self._topics)}" * (left > 0)

    def of(self, customer_ids: Sequence[str]) -> Consented:
        """What these customers have said; waits a moment until it has been read.

        Raises `UnreadError` if it has not been by then, else as `unread_now`.
        """
        until_s = time.monotonic() + _MOMENT_S
        while why := self.unread_now():
            if time.monotonic() < until_s:
                time.sleep(_LOOK_S)
                continue
            raise UnreadError(f"nobody can tell yet who agrees: {why}")
        return self._consents().read(customer_ids)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._desk is not None:
            self._desk.__exit__(kind, error, trace)

    def _consents(self) -> ConsentDesk:
        if self._desk is None:
            self._desk = ConsentDesk(self._settings)
        return self._desk

    def _asked_ends(self) -> dict[tuple[str, int], int]:
        """The ends of what may be read."""
        if self._brokers is None:
            self._brokers = FrankAdminClient(self._settings.librdkafka())
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
        wanted = {TopicPartition(topic, p): latest for topic in self._topics for p in range(self._partitions)}
        found = self._brokers.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_ANSWER_S
        )
        return {(one.topic, one.partition): answer.result().offset for one, answer in found.items()}
