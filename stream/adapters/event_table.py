"""The form in which providers are declared: which of their events is which of ours, and where its fields are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from stream.adapters.adapter import Call, Ignored, Native, SamePerson, Translation
from stream.adapters.customers import CustomerFinder
from stream.adapters.json_fields import (
    MalformedError,
    decoded,
    each,
    event_id,
    instant,
    label,
    pick,
    required,
    text,
    utc_instant,
)
from stream.events.kinds import EventType
from stream.identity.records import EvidenceName

__all__ = [
    "CLICK",
    "CONSENT",
    "EMAIL",
    "PURCHASE",
    "EventTable",
    "LinkRow",
    "ProviderEvent",
    "Reader",
    "Row",
    "body",
    "consent",
    "customer",
    "header",
    "identified_by",
    "labelled",
    "needed",
    "parts",
    "rows_of",
    "texts",
    "time_at",
    "time_utc",
    "whole",
]

CLICK: Final = EventType.CLICK
CONSENT: Final = EventType.CONSENT
EMAIL: Final = EventType.EMAIL
PURCHASE: Final = EventType.PURCHASE
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class ProviderEvent(NamedTuple):
    """One event as its provider tells it, and what came with it. ``body``: the decoded body of ``call``."""

    event: dict[str, Any]
    body: Any
    call: Call
    customers: CustomerFinder


#: Reads one field of ours. Raises `MalformedError` where the provider's documentation promises more than there is.
Reader = Callable[[ProviderEvent], Any]


class Row(NamedTuple):
    """An event of ours, and its fields beside those that all rows of a table share."""

    event_type: EventType
    name: str
    fields: Mapping[str, Reader] = _NOTHING


class LinkRow(NamedTuple):
    """What tells that ids are one person, and is no event of ours: a customer who is saved, an address that changes.

    ``ids``: kind (``customer_id``, or one of the identifiers that may join) and where it is; the shop's own number is
    the one that events name as customer. ``identity`` and ``occurred_at`` as in `EventTable`.
    """

    name: EvidenceName
    ids: Sequence[tuple[str, Reader]]
    identity: Callable[[ProviderEvent], tuple[object, ...]]
    occurred_at: Reader


def consent(name: str, contact_channel: str, source: str) -> Row:
    """That a customer agrees to marketing by a channel, or takes it back.

    >>> consent("granted", "email", "klaviyo").name
    'granted'
    """
    said = {"purpose": "marketing", "contact_channel": contact_channel, "source": source}
    return Row(CONSENT, name, {field: _always(value) for field, value in said.items()})


def _always(value: str) -> Reader:
    return lambda _: value


def whole(decoded_body: Any) -> list[Any]:
    """The body is one event."""
    return [decoded_body]


def _json(call: Call) -> Any:
    return decoded(call.body)


@dataclass(frozen=True, slots=True)
class EventTable:
    """A provider. ``kind`` reads which of ``rows`` an event belongs to; what is in no row is ignored under that name.

    ``links``: by the same names, what tells of ids only. It is ignored while nothing is joined.

    ``one``: what one event is called in a problem. ``decode`` reads a body, ``events`` finds the events in it.
    ``identity`` reads what a repetition of the event has in common with it, and no other event has. ``identifiers`` are
    those by which the customer is known, beside the address that ``customer`` uses.
    """

    provider: str
    one: str
    rows: Mapping[str, Row]
    kind: Callable[[ProviderEvent], str]
    identity: Callable[[ProviderEvent], tuple[object, ...]]
    customer: Callable[[ProviderEvent], str]
    occurred_at: Reader
    fields: Mapping[str, Reader] = field(default_factory=dict)
    identifiers: Mapping[str, Reader] = field(default_factory=dict)
    links: Mapping[str, LinkRow] = field(default_factory=dict)
    decode: Callable[[Call], Any] = _json
    events: Callable[[Any], list[Any]] = whole

    def translate(self, call: Call, customers: CustomerFinder) -> list[Translation]:
        """The events of a call, in its order. Raises `MalformedError` if it is no call of this provider."""
        content = self.decode(call)
        return each(
            self.events(content),
            self.one,
            lambda event: self._translated(ProviderEvent(event, content, call, customers)),
        )

    def _translated(self, item: ProviderEvent) -> Translation:
        kind = self.kind(item)
        row = self.rows.get(kind)
        if row is None:
            link = self.links.get(kind) if item.customers.joins else None
            return Ignored(kind) if link is None else self._linked(kind, link, item)
        # consent is about no e-mail
        shared = _NOTHING if row.event_type is CONSENT else self.fields
        return Native(
            row.event_type,
            {
                "event_id": event_id(self.provider, *self.identity(item)),
                "customer_id": self.customer(item),
                "occurred_at": self.occurred_at(item),
                "name": row.name,
                "identifiers": self._identifiers(item),
                **{name: read(item) for name, read in (*shared.items(), *row.fields.items())},
            },
        )

    def _linked(self, kind: str, row: LinkRow, item: ProviderEvent) -> SamePerson:
        kinds = [(of, read) for of, read in row.ids if of != "email" or item.customers.hash_addresses]
        found = [(of, read(item)) for of, read in kinds]
        link_id = event_id(self.provider, *row.identity(item))
        ids = [(of, one) for of, one in found if one is not None]
        return SamePerson(kind, row.name, link_id, ids, row.occurred_at(item))

    def _identifiers(self, item: ProviderEvent) -> dict[str, object] | None:
        if not item.customers.joins:
            return None
        readers = dict(self.identifiers)
        if isinstance(self.customer, _Customer) and self.customer.address:
            readers["email"] = texts(*self.customer.address)
        if not item.customers.hash_addresses:
            readers.pop("email", None)
        found = ((kind, read(item)) for kind, read in readers.items())
        return {kind: value for kind, value in found if value is not None} or None


@dataclass(frozen=True, slots=True)
class _Customer:
    """Reads whose event it is; see `customer`."""

    metadata: tuple[str, ...]
    address: tuple[str, ...]
    own_id: tuple[str, ...]

    def __call__(self, item: ProviderEvent) -> str:
        found = [pick(item.event, path) if path else item.event for path in self.metadata]
        return item.customers.find(
            *found, address=pick(item.event, *self.address), own_id=pick(item.event, *self.own_id)
        )


def rows_of(event_type: EventType, names: Mapping[str, str]) -> Mapping[str, Row]:
    """Rows without fields of their own: the provider's name -> ours.

    >>> rows_of(EMAIL, {"open": "opened"})["open"].name
    'opened'
    """
    return MappingProxyType({provider_name: Row(event_type, name) for provider_name, name in names.items()})


def needed(*paths: str) -> Callable[[ProviderEvent], str]:
    """A text, or a number as text, that the provider promises."""

    def read(item: ProviderEvent) -> str:
        found = text(required(item.event, *paths))
        if found is None:
            raise MalformedError(f"expected {' or '.join(f'`{path}`' for path in paths)} as a text")
        return found

    return read


def texts(*paths: str) -> Reader:
    """A text or number as text, if there is one."""
    return lambda item: text(pick(item.event, *paths))


def labelled(*paths: str) -> Reader:
    """As `texts`; nothing for what is too long for a label."""
    return lambda item: label(pick(item.event, *paths))


def header(name: str) -> Callable[[ProviderEvent], str]:
    """A header that the provider promises; ``name`` in lower case."""
    return lambda item: str(required(item.call.headers, name))


def body(path: str) -> Reader:
    """What the body has beside its events."""
    return lambda item: pick(item.body, path)


def time_at(*paths: str) -> Reader:
    """Seconds or milliseconds since the epoch, or RFC 3339."""
    return lambda item: instant(required(item.event, *paths), paths[0])


def time_utc(*paths: str) -> Reader:
    """A date and a time of UTC that do not say so."""
    return lambda item: utc_instant(required(item.event, *paths), paths[0])


def customer(
    *metadata: str, address: tuple[str, ...] = (), own_id: tuple[str, ...] = ()
) -> Callable[[ProviderEvent], str]:
    """See `CustomerFinder.find`; an empty path of metadata is the event itself."""
    return _Customer(metadata, address, own_id)


def parts(*readers: Reader) -> Callable[[ProviderEvent], tuple[object, ...]]:
    """What several readers tell."""
    return lambda item: tuple(read(item) for read in readers)


def identified_by(path: str, *otherwise: Reader) -> Callable[[ProviderEvent], tuple[object, ...]]:
    """The provider's own id of the event; where it has none, what it consists of."""

    def read(item: ProviderEvent) -> tuple[object, ...]:
        own_id = pick(item.event, path) if otherwise else required(item.event, path)
        return (own_id,) if own_id is not None else tuple(read(item) for read in otherwise)

    return read
