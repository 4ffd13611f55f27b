"""What every adapter is: a translation into events of ours, and perhaps a proof of the sender."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from stream.events.kinds import EventType
from stream.identity.records import EvidenceName

__all__ = [
    "UNPROCESSABLE",
    "UNSUPPORTED_MEDIA_TYPE",
    "Adapter",
    "Call",
    "Ignored",
    "Malformed",
    "Native",
    "Objection",
    "Proof",
    "SamePerson",
    "Translation",
    "Visit",
    "no_probe",
]

#: HTTP status for an event that no repetition will make valid.
UNPROCESSABLE: Final = 422

#: HTTP status for a body in a format that is not understood.
UNSUPPORTED_MEDIA_TYPE: Final = 415

#: Why a call is not known to come from its provider, in words for the sender; empty: it is.
Objection = str


class Call(NamedTuple):
    """One HTTP POST of a provider.

    Names of ``headers`` are in lower case. ``received_ms``: when it came, in ms since the epoch, by our clock. ``url``:
    where the provider has sent it; empty where the settings do not tell. ``certificate``: what is at the address that
    `Proof.certificate_url` names.
    """

    headers: Mapping[str, str]
    body: bytes
    received_ms: int
    url: str = ""
    certificate: bytes = b""


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


class Visit(NamedTuple):
    """A question of the provider whether it may send: the answer is to GET ``url``."""

    what: str
    url: str


class SamePerson(NamedTuple):
    """Ids that the sender knows to be one person's, in clear, each with its kind: ``customer_id`` or an identifier's.

    ``what``: the provider's name of what says so.
    """

    what: str
    name: EvidenceName
    link_id: str
    ids: Sequence[tuple[str, str]]
    occurred_at: float | str


Translation = Native | SamePerson | Ignored | Malformed | Visit


def _no_objection(_head: Call) -> Objection:
    return ""


def _none(_call: Call) -> str:
    return ""


def no_probe(_call: Call) -> bool:
    """No call is a mere probe."""
    return False


@dataclass(frozen=True, slots=True)
class Proof:
    """How a call shows that the provider has sent it.

    ``by_head`` judges before the body is read, and sees an empty one: an objection means that no body could make the
    call genuine. ``by_call`` decides. How long either takes tells nothing about the secret. ``certificate_url``: the
    address of the certificate that ``by_call`` needs; empty if it needs none. It raises `MalformedError` where a call
    names an address that is not the provider's.
    """

    by_call: Callable[[Call], Objection]
    by_head: Callable[[Call], Objection] = _no_objection
    certificate_url: Callable[[Call], str] = _none


@dataclass(frozen=True, slots=True)
class Adapter:
    """``translate`` turns a call into the events in it, and raises `MalformedError` if it is no call of this provider.

    ``proof``: None if it cannot be told from a call who has sent it, or no key for that is set; then the sender must
    know the endpoint's token. ``refusal_status`` is what makes the provider give up on what cannot be used.
    ``takes_forms``: the provider sends web forms; else ``form_status`` and ``form_advice`` answer one.
    ``answers_get``: the provider tries the address with GET or HEAD before it sends. ``is_probe``: a POST by which the
    provider tries the address; it carries nothing and is signed by nobody.
    """

    name: str
    translate: Callable[[Call], list[Translation]]
    proof: Proof | None = None
    refusal_status: int = UNPROCESSABLE
    takes_forms: bool = False
    form_status: int = UNSUPPORTED_MEDIA_TYPE
    form_advice: str = "send JSON"
    answers_get: bool = False
    is_probe: Callable[[Call], bool] = no_probe
