"""Customers in quarantine, from outside of the workers: who they are, and asking that they be processed again."""

from __future__ import annotations

from typing import NamedTuple

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.desk import Desk, partition_states
from stream.storage.keys import Keys

__all__ = ["QuarantineDesk", "Quarantined"]


class Quarantined(NamedTuple):
    """A customer who is set aside, in which partition, and why."""

    partition: int
    customer: str
    why: str


class QuarantineDesk(Desk):
    """Reads and asks for the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings))
        self._keys = Keys(settings.namespace)
        self._partitions = range(settings.partitions)

    def quarantined(self) -> list[Quarantined]:
        """Everybody who is set aside, by partition and name."""
        try:
            states = partition_states(self._client, self._keys, self._partitions)
        except FAILURES as error:
            raise StorageError(f"the quarantine cannot be read from Redis: {explained(error)}") from error
        return [
            Quarantined(partition, customer, why)
            for partition, state in states.items()
            for customer, why in sorted(state.quarantined.items())
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
