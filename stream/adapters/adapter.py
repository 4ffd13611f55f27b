"""What every adapter is: a table, a translation that reads it, and perhaps a proof of the sender."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from stream.events.kinds import EventType

__all__ = ["UNPROCESSABLE", "Adapter", "Call", "Ignored", "Malformed", "Native", "Proof", "Table", "Translation"]

#: HTTP status for an event that no repetition will make valid.
UNPROCESSABLE: Final = 422

#: HTTP status for a body in a format that is not understood.
UNSUPPORTED_MEDIA_TYPE: Final = 415

#: The provider's name of an event -> type and name of ours.
Table = Mapping[str, tuple[EventType, str]]


class Call(NamedTuple):
    """One HTTP request of a provider.

    Names of ``headers`` are in lower case. ``received_ms``: when it came, in ms since the epoch, by our clock.
    """

    headers: Mapping[str, str]
    body: bytes
    received_ms: int


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


def _any_head(_head: Call) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Proof:
    """How a call shows that the provider has sent it.

    ``by_head`` judges before the body is read, and sees an empty one: False means that no body could make the call
    genuine. ``by_call`` decides. How long either takes tells nothing about the secret.
    """

    by_call: Callable[[Call], bool]
    by_head: Callable[[Call], bool] = _any_head


@dataclass(frozen=True, slots=True)
class Adapter:
    """``translate`` turns a call into the events in it, and raises `MalformedError` if it is no call of this provider.

    ``proof``: None if it cannot be told from a call who has sent it, or no key for that is set; then the sender must
    know the endpoint's token. ``refusal_status`` is what makes the provider give up on what cannot be used.
    ``form_status`` and ``form_advice`` answer a body that is a web form and no JSON.
    """

    name: str
    translate: Callable[[Call], list[Translation]]
    proof: Proof | None = None
    refusal_status: int = UNPROCESSABLE
    form_status: int = UNSUPPORTED_MEDIA_TYPE
    form_advice: str = "send JSON"
