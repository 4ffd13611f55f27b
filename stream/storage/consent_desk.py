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
from stream.storage.connection import FAILURES, Client, connect_or_explain, explained
from stream.storage.desk import Desk
from stream.storage.keys import Keys, ProjectionKeys

__all__ = ["ConsentDesk", "read_consents"]

_decoder = msgspec.json.Decoder(Agreements)
_GENERATION: Final = (Consents.name, Consents.version)


class ConsentDesk(Desk):
    """Raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings, retries=0))
        self._settings = settings

    def read(self, customer_ids: Sequence[str]) -> Consented:
        """What these customers have said, in two round trips."""
        keys, wanted = self._keys(), [*dict.fromkeys(customer_ids)]
        stored = self._pipelined([("GET", key) for key in _state_keys(self._settings, keys, wanted)])
        return _consented(self._settings, zip(wanted, stored, strict=True))

    def everybody(self) -> Consented:
        """What all customers have said who have said something."""
        keys = self._keys()
        # the state of a partition ends where the customer begins
        before = keys.customer(0, "").partition("}")[2]
        found = self._every_item(keys.customer_pattern())
        return _consented(self._settings, ((key.decode().partition(before)[2], state) for key, state in found))

    def _keys(self) -> ProjectionKeys:
        (generation,) = self._pipelined([("GET", _generation_key(self._settings))])
        return _keys(self._settings, generation)


async def read_consents(client: Client, settings: Settings, customer_ids: Sequence[str]) -> Consented:
    """As `ConsentDesk.read`, for the event loop of a worker; one round trip more, and none for states without any."""
    try:
        keys = _keys(settings, await client.get(_generation_key(settings)))
        if not await _has_run(client, settings, keys):
            return _consented(settings, ())
        wanted = [*dict.fromkeys(customer_ids)]
        async with client.pipeline(transaction=False) as asked:
            for key in _state_keys(settings, keys, wanted):
                asked.get(key)
            stored = await asked.execute()
    except FAILURES as error:
        raise StorageError(f"what customers agreed to cannot be read: {explained(error)}") from error
    return _consented(settings, zip(wanted, stored, strict=True))


async def _has_run(client: Client, settings: Settings, keys: ProjectionKeys) -> bool:
    async with client.pipeline(transaction=False) as asked:
        for partition in range(settings.partitions):
            asked.exists(keys.meta(partition))
        return any(await asked.execute())


def _generation_key(settings: Settings) -> str:
    return Keys(settings.namespace).projection_generation(*_GENERATION)


def _keys(settings: Settings, generation: bytes | None) -> ProjectionKeys:
    return ProjectionKeys(settings.namespace, *_GENERATION, int(generation or 0))


def _state_keys(settings: Settings, keys: ProjectionKeys, customers: Iterable[str]) -> list[str]:
    return [keys.customer(partition_of(one, settings.partitions), one) for one in customers]


def _consented(settings: Settings, states: Iterable[tuple[str, Any]]) -> Consented:
    default: ConsentDefault = "opt-in" if settings.consent_default == "opt-in" else "opt-out"
    return Consented({customer: _decoder.decode(state) for customer, state in states if state}, default)
