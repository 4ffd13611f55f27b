"""Customers in quarantine, from outside of the workers: who they are, and asking that they be processed again."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from stream.errors import StorageError
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.keys import Keys

__all__ = ["QuarantineDesk", "Quarantined"]

_state_decoder = msgspec.json.Decoder(PartitionState)


class Quarantined(NamedTuple):
    """A customer who is set aside, in which partition, and why."""

    partition: int
    customer: str
    why: str


class QuarantineDesk:
    """Reads and asks for the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        self._keys = Keys(settings.namespace)
        self._partitions = range(settings.partitions)
        self._client = connect_or_explain(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def quarantined(self) -> list[Quarantined]:
        """Everybody who is set aside, by partition and name."""
        try:
            pipe = self._client.pipeline(transaction=False)
            for partition in self._partitions:
                pipe.hget(self._keys.meta(partition), "state")
            stored = pipe.execute()
        except FAILURES as error:
            raise StorageError(f"the quarantine cannot be read from Redis: {explained(error)}") from error
        return [
            Quarantined(partition, customer, why)
            for partition, state in zip(self._partitions, stored, strict=True)
            if state
            for customer, why in sorted(_state_decoder.decode(state).quarantined.items())
        ]

    def document(self, found: Quarantined) -> bytes | None:
        """The stored document of a customer, None when there is none; what cannot be read as one is raised."""
        try:
            stored: bytes | None = self._client.get(self._keys.customer(found.partition, found.customer))
        except FAILURES as error:
            raise StorageError(f"the document of {found.customer!r} cannot be read: {explained(error)}") from error
        return stored

    def release(self, found: Quarantined, *, forget: bool) -> None:
        """Ask the partition's worker to process the customer again. ``forget``: without what was stored of them."""
        try:
            if forget:
                self._client.delete(self._keys.customer(found.partition, found.customer))
            self._client.sadd(self._keys.released(found.partition), found.customer)
        except FAILURES as error:
            raise StorageError(f"{found.customer!r} cannot be released: {explained(error)}") from error
