"""One event, or one link of two ids, on its way to Kafka."""

from typing import NamedTuple

from stream.events.kinds import EventType
from stream.events.model import Event

__all__ = ["EventRecord", "LinkRecord"]


class EventRecord(NamedTuple):
    """``value`` is the native JSON, ``customer_id`` the record key, ``at_ms`` event time and the record's timestamp.

    ``is_concealed``: persons are under pseudonyms already (`stream.privacy.concealing`); ``event_id`` stays in clear.
    ``content``: what ``value`` says, if somebody has read it.
    """

    event_type: EventType
    event_id: str
    customer_id: str
    at_ms: int
    value: bytes
    is_concealed: bool = False
    content: Event | None = None


class LinkRecord(NamedTuple):
    """A link for the topic `identities`. ``event_id``: its link id; ``value``: an `IdentityLink` in JSON."""

    event_id: str
    at_ms: int
    value: bytes
    is_concealed: bool = False
