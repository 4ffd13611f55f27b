"""Whether what customers have said by now has been read, before somebody acts by it.

Statements are in topics of their own, and the projection `consents` has positions of its own in them. A program that
asks before it is at their ends takes a person who refused for one who has said nothing: after Redis lost everything,
while `consents` is rebuilt, or while it lags. What was said under another id of a person is known only by the
projection `identity`, which reads topics as well. So a program that learns, or sends, waits until both have read what
was in their topics a second ago.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from stream.agents.kafka_access import FrankAdminClient
from stream.consent.consented import Consented
from stream.errors import UnreadError
from stream.projections.all_projections import names_of
from stream.projections.consents import Consents
from stream.projections.identity import Identity
from stream.projections.protocol import Projection
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
    """Asks the stored offsets of `consents` and `identity` and, once a second, the brokers.

    One for a process: use as a context manager, or `close` it. Where the setting ``projections`` does not name
    `consents`, nobody is waited for, as nobody may ever fold it. Nor is `identity`, where it is not named.
    """

    def __init__(self, settings: Settings) -> None:
        named = names_of(settings)
        folded: list[Projection[Any]] = []
        if Consents.name in named:
            folded = [one(settings) for one in (Consents, Identity) if one.name in named]
        #: The topics of each projection.
        self._topics = {(one.name, one.version): frozenset(source.topic for source in one.inputs) for one in folded}
        #: Where `identity` publishes links that it found in events, and reads them.
        self._links = settings.identities if len(folded) > 1 else ""
        self._partitions = settings.partitions
        self._settings = settings
        self._desk: ConsentDesk | None = None
        self._brokers: FrankAdminClient | None = None
        self._ends: Mapping[tuple[str, int], int] = {}
        self._ends_at_s, self._is_read, self._are_links_asked = float("-inf"), True, False
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
        try:
            if self._is_read and time.monotonic() - self._ends_at_s >= _STALE_S:
                self._ask(frozenset().union(*self._topics.values()), are_links=False)
            # the ends stay until they are reached: others that move away under load never would be
            left = self._left()
            if self._links and not (left or self._is_read or self._are_links_asked):
                # the events that were waited for may have told which ids are one person
                self._ask({self._links}, are_links=True)
                left = self._left()
        except KafkaException as error:
            return f"no broker tells where {self._named(*self._topics)} end: {error.args[0].str()}"
        self._is_read = not left
        return "; ".join(
            f"the projection {one[0]} has yet to read {count:,} records of {self._named(one)}"
            for one, count in left.items()
        )

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
        self.close()

    def close(self) -> None:
        """Close the connections; they are opened again when somebody asks."""
        if self._desk is not None:
            self._desk.__exit__(None, None, None)
        self._desk = self._brokers = None

    def _named(self, *projections: tuple[str, int]) -> str:
        return " and ".join(sorted(frozenset().union(*(self._topics[one] for one in projections))))

    def _left(self) -> dict[tuple[str, int], int]:
        """The records before the known ends that each projection has not read, of those that have not read all."""
        found = {}
        for one, topics in self._topics.items():
            ends = {place: end for place, end in self._ends.items() if place[0] in topics}
            stored = self._consents().read_to(*one) if ends else {}
            if left := sum(max(end - stored.get(place, 0), 0) for place, end in ends.items()):
                found[one] = left
        return found

    def _ask(self, topics: Collection[str], *, are_links: bool) -> None:
        self._ends, self._are_links_asked = self._asked_ends(topics), are_links
        self._ends_at_s = time.monotonic()

    def _consents(self) -> ConsentDesk:
        if self._desk is None:
            self._desk = ConsentDesk(self._settings)
        return self._desk

    def _asked_ends(self, topics: Collection[str]) -> dict[tuple[str, int], int]:
        """The ends of what may be read."""
        if self._brokers is None:
            self._brokers = FrankAdminClient(self._settings.librdkafka())
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
        wanted = {TopicPartition(topic, p): latest for topic in topics for p in range(self._partitions)}
        found = self._brokers.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_ANSWER_S
        )
        return {(one.topic, one.partition): answer.result().offset for one, answer in found.items()}
