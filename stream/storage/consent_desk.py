"""What may be done with data of customers, asked by everything that does something with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from stream.consent.agreements import Agreements, ConsentDefault, May, Statement
from stream.consent.purposes import EMAIL, Purpose
from stream.events.partitioner import partition_of
from stream.projections.consents import Consents
from stream.settings import Settings
from stream.storage.connection import Client, connect_or_explain
from stream.storage.desk import Desk
from stream.storage.keys import Keys, ProjectionKeys

__all__ = ["ConsentDesk", "Consented"]

_decoder = msgspec.json.Decoder(Agreements)


class Consented:
    """What customers have said, as it was read. Those who are not here have said nothing."""

    def __init__(self, said: Mapping[str, Agreements], default: ConsentDefault) -> None:
        self._said = said
        self.default: ConsentDefault = default

    def of(self, customer_id: str) -> Agreements:
        """All that a customer has said."""
        return self._said.get(customer_id, _NOTHING)

    def may(
        self,
        customer_id: str,
        purpose: Purpose,
        channel: str | None,
        at_ms: int,
        *,
        unsubscribed_ms: int | None = None,
    ) -> May:
        """Whether data of a customer may be used for a purpose, by a channel, at a time.

        ``unsubscribed_ms``: when the document says that no more e-mails are wanted; so it holds without the projection.
        """
        said = self.of(customer_id)
        if unsubscribed_ms is not None and purpose is Purpose.MARKETING and channel == EMAIL:
            said = Agreements({key: [*statements] for key, statements in said.said.items()})
            said.add(purpose, channel, Statement(unsubscribed_ms, True, "", "email unsubscribed"))
        return said.may(purpose, channel, at_ms, self.default)


_NOTHING: Final = Agreements()


class ConsentDesk(Desk):
    """Reads the projection `consents`. Raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        super().__init__(client or connect_or_explain(settings, retries=0))
        self._settings = settings
        self._default: ConsentDefault = "opt-in" if settings.consent_default == "opt-in" else "opt-out"

    def read(self, customer_ids: Sequence[str]) -> Consented:
        """What these customers have said, in two round trips."""
        wanted = [*dict.fromkeys(customer_ids)]
        if not wanted:
            return Consented({}, self._default)
        keys, partitions = self._keys(), self._settings.partitions
        commands = [("GET", keys.customer(partition_of(one, partitions), one)) for one in wanted]
        found = zip(wanted, self._pipelined([*commands]), strict=True)
        return Consented({one: _decoder.decode(state) for one, state in found if state}, self._default)

    def everybody(self) -> Consented:
        """What all customers have said who have said something."""
        keys = self._keys()
        before = keys.customer(0, "").partition("}")[2]
        found = self._every_item(keys.customer_pattern())
        said = {key.decode().partition(before)[2]: _decoder.decode(state) for key, state in found if state}
        return Consented(said, self._default)

    def _keys(self) -> ProjectionKeys:
        namespace = self._settings.namespace
        (generation,) = self._pipelined(
            [("GET", Keys(namespace).projection_generation(Consents.name, Consents.version))]
        )
        return ProjectionKeys(namespace, Consents.name, Consents.version, int(generation or 0))
