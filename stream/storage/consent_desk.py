"""What customers have said about the use of their data, from the projection `consents`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from stream.consent.agreements import Agreements, ConsentDefault
from stream.consent.consented import Consented
from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.projections.consents import Consents
from stream.settings import Settings
from stream.storage.connection import FAILURES, Client, explained
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk, StatePlace

__all__ = ["ConsentDesk", "read_consents"]

_decoder = msgspec.json.Decoder(Agreements)
_PROJECTION: Final = (Consents.name, Consents.version)


class ConsentDesk(ProjectionDesk):
    """Raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def read(self, customer_ids: Sequence[str], now_ms: int = 0) -> Consented:
        """What these customers have said, in one round trip. ``now_ms``: see `Consented`."""
        wanted = [*dict.fromkeys(customer_ids)]
        return self.said_in(zip(wanted, self.stored_at([*map(self.place_of, wanted)]), strict=True), now_ms)

    def place_of(self, customer_id: str) -> StatePlace:
        """Where it is stored, for who reads other states as well in the same round trip."""
        return self.place(*_PROJECTION, customer_id, customer_id)

    def said_in(self, states: Iterable[tuple[str, bytes | None]], now_ms: int = 0) -> Consented:
        """What customers have said whose states are these."""
        return _consented(self._settings, states, now_ms)

    def read_to(self) -> dict[tuple[str, int], int]:
        """Topic and partition -> the offset up to which statements have been read, of those of which some were."""
        states = self.progress(*_PROJECTION).states
        return {(topic, p): offset for p, state in states.items() for topic, offset in state.offsets.items()}

    def everybody(self, now_ms: int = 0) -> Consented:
        """What all customers have said who have said something. The whole of Redis is gone through if somebody has.

        ``now_ms``: see `Consented`.
        """
        has_run = self.progress(*_PROJECTION).folded
        return _consented(self._settings, self.keyed_states(*_PROJECTION) if has_run else (), now_ms)


async def read_consents(client: Client, settings: Settings, customer_ids: Sequence[str]) -> Consented:
    """As `ConsentDesk.read`, for the event loop of a worker; one round trip more, and none for states without any."""
    try:
        generation = await client.get(Keys(settings.namespace).projection_generation(*_PROJECTION))
        keys = ProjectionKeys(settings.namespace, *_PROJECTION, int(generation or 0))
        if not await _has_run(client, settings, keys):
            return _consented(settings, ())
        wanted = [*dict.fromkeys(customer_ids)]
        async with client.pipeline(transaction=False) as asked:
            for one in wanted:
                asked.get(keys.customer(partition_of(one, settings.partitions), one))
            stored = await asked.execute()
    except FAILURES as error:
        raise StorageError(f"what customers agreed to cannot be read: {explained(error)}") from error
    return _consented(settings, zip(wanted, stored, strict=True))


async def _has_run(client: Client, settings: Settings, keys: ProjectionKeys) -> bool:
    async with client.pipeline(transaction=False) as asked:
        for partition in range(settings.partitions):
            asked.exists(keys.meta(partition))
        return any(await asked.execute())


def _consented(settings: Settings, states: Iterable[tuple[str, Any]], now_ms: int = 0) -> Consented:
    default: ConsentDefault = "opt-in" if settings.consent_default == "opt-in" else "opt-out"
    return Consented({customer: _decoder.decode(state) for customer, state in states if state}, default, now_ms)
