"""What every adapter is: a table, a translation that reads it, and perhaps a proof of the sender."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from stream.events.kinds import EventType

__all__ = ["UNPROCESSABLE", "Adapter", "Call", "Ignored", "Malformed", "Native", "Table", "Translation"]

#: HTTP status for an event that no repetition will make valid.
UNPROCESSABLE: Final = 422

#: The provider's name of an event -> type and name of ours.
Table = Mapping[str, tuple[EventType, str]]


class Call(NamedTuple):
    """One HTTP request of a provider. Names of ``headers`` are in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Native(NamedTuple):
    """An event of ours; ``fields`` without a value (None) are left out."""

    event_type: EventType
    fields: Mapping[str, object]

    def value(self) -> bytes:
        """The event as JSON."""
        return msgspec.json.encode({name: field for name, field in self.fields.items() if field is not None})


class Ignored(NamedTuple):
    """An event that is sound and means nothing to us, such as a deferred delivery."""

    what: str


class Malformed(NamedTuple):
    """An event that lacks what the provider's documentation promises."""

    detail: str


Translation = Native | Ignored | Malformed


@dataclass(frozen=True, slots=True)
class Adapter:
    """``translate`` turns a call into the events in it, and raises `MalformedError` if it is no call of this provider.

    ``is_genuine`` tells whether the provider has sent a call; None: it cannot be told from the call, or no key for it
    is set, and the sender must know the endpoint's token. ``refusal_status`` is what makes the provider give up on
    what cannot be used.
    """

    name: str
    translate: Callable[[Call], list[Translation]]
    is_genuine: Callable[[Call], bool] | None = None
    refusal_status: int = UNPROCESSABLE
