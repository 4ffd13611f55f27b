"""Records under pseudonyms, where the setting `privacy_keys` asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stream.client.event_record import EventRecord, LinkRecord
from stream.errors import InvalidEventError
from stream.events.diagnosis import diagnose
from stream.events.model import CONTRACT_OF, Event
from stream.events.rejections import Rejection
from stream.privacy.concealing import Concealer
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

__all__ = ["RecordConcealer"]

_READERS = {event_type: msgspec.json.Decoder(contract).decode for event_type, contract in CONTRACT_OF.items()}


class RecordConcealer:
    """Conceals the records of a producer; without `privacy_keys` they stay as they are."""

    def __init__(self, settings: Settings) -> None:
        self._keys = PersonKeys.of(settings)
        self._concealer = None if self._keys is None else Concealer(self._keys)

    @property
    def is_needed(self) -> bool:
        """Whether records are concealed at all."""
        return self._concealer is not None

    def conceal(self, records: Sequence[EventRecord | LinkRecord]) -> list[EventRecord | LinkRecord | Rejection]:
        """Each record as it may go to Kafka; a `Rejection` (of its position) for what must not.

        Raises `StorageError` while the key store is away, `SettingsError` without the right master key.
        """
        concealed: list[EventRecord | LinkRecord | Rejection] = [*records]
        if self._concealer is None:
            return concealed
        open_ones = [(place, one) for place, one in enumerate(records) if not one.is_concealed]
        links = [(place, one) for place, one in open_ones if isinstance(one, LinkRecord)]
        events: list[tuple[int, EventRecord]] = []
        contents: list[Event] = []
        for place, one in open_ones:
            if isinstance(one, EventRecord):
                try:
                    contents.append(one.content or _READERS[one.event_type](one.value))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    concealed[place] = Rejection(place, *diagnose(error, one.value))
                else:
                    events.append((place, one))
        for (place, record), event in zip(events, self._concealer.events(contents), strict=True):
            concealed[place] = (
                event._replace(record=place)
                if isinstance(event, Rejection)
                else EventRecord(
                    record.event_type, record.event_id, event.customer_id, record.at_ms, event.value, is_concealed=True
                )
            )
        for (place, link), value in zip(links, self._concealer.links([one.value for _, one in links]), strict=True):
            concealed[place] = (
                value._replace(record=place)
                if isinstance(value, Rejection)
                else link._replace(value=value, is_concealed=True)
            )
        return concealed

    def one(self, record: EventRecord | LinkRecord) -> EventRecord | LinkRecord:
        """A single record. Raises `InvalidEventError` for what must not be sent, else as `conceal`."""
        if self._concealer is None or record.is_concealed:
            return record
        (found,) = self.conceal([record])
        if isinstance(found, Rejection):
            raise InvalidEventError(
                f"event {record.event_id!r}: {found.detail}", event_id=record.event_id, reason=found.reason
            )
        return found

    def close(self) -> None:
        """Let go of the key store."""
        if self._keys is not None:
            self._keys.close()
