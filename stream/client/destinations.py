"""Which topic a record goes to, under which key and headers."""

from typing import Final, NamedTuple

from stream.client.event_record import EventRecord, LinkRecord
from stream.events.kinds import EventType
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.records import KEY
from stream.settings import Settings

__all__ = ["Destination", "Destinations"]

_Headers = list[tuple[str, str | bytes | None]]
_JSON: Final[tuple[str, str | bytes | None]] = ("content-type", b"application/json")


class Destination(NamedTuple):
    """``key``: the record key, in text."""

    topic: str
    key: str
    headers: _Headers


class Destinations:
    """The topics of an installation. With ``join_identities`` events of all types go to the topic `arrivals`."""

    def __init__(self, settings: Settings) -> None:
        self._topics = {event_type: settings.topic_of(event_type) for event_type in EventType}
        self._headers: dict[EventType, _Headers] = {event_type: [_JSON] for event_type in EventType}
        if settings.join_identities:
            self._topics = dict.fromkeys(EventType, settings.arrivals)
            self._headers = {of: [_JSON, (TYPE_HEADER, of.encode())] for of in EventType}
        self._links = settings.identities
        self._has_links = settings.identity_key != ""

    @property
    def topics(self) -> list[str]:
        """Those that must exist: those of events, and that of links if there is an ``identity_key``."""
        return [*dict.fromkeys(self._topics.values()), *([self._links] if self._has_links else [])]

    def of(self, record: EventRecord | LinkRecord) -> Destination:
        """Where ``record`` goes."""
        if isinstance(record, LinkRecord):
            return Destination(self._links, KEY, [_JSON])
        return Destination(self._topics[record.event_type], record.customer_id, self._headers[record.event_type])
