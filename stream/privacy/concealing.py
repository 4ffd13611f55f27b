"""Events and links on their way to Kafka: pseudonyms in place of persons, ciphertext in place of what tells of them."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from stream.catalogue.identifiers import CUSTOMER
from stream.events.kinds import EventType
from stream.events.model import CONTRACT_OF
from stream.events.rejections import Defect, Rejection
from stream.privacy.concealed_fields import CONCEALED, PERSONS, ConcealedField
from stream.privacy.person_keys import KeyedPerson, PersonKeys, is_digest

__all__ = ["PACKED", "ConcealedEvent", "Concealer", "concealed_text"]

#: Before a text that was compressed before it was encrypted, as it would not have fitted.
PACKED: Final = "\x00z:"
_IDENTIFIERS: Final = "identifiers"
_EVENT: Final = msgspec.json.Decoder(dict[str, Any]).decode
_ENCODE: Final = msgspec.json.Encoder().encode
#: Fields that a contract does not know could be anything: they are left out.
_KNOWN: Final = {
    event_type: frozenset(field.encode_name for field in msgspec.structs.fields(contract)) | {"type"}
    for event_type, contract in CONTRACT_OF.items()
}
#: Fields that name persons beside the customer.
_OTHERS: Final = frozenset({*PERSONS, _IDENTIFIERS})
#: Type -> fields that are encrypted, as a loop takes them soonest.
_HIDDEN: Final = {event_type: (*fields.items(),) for event_type, fields in CONCEALED.items()}


class ConcealedEvent(msgspec.Struct, frozen=True):
    """An event as it goes to Kafka, under the pseudonym of its customer."""

    customer_id: str
    value: bytes


class Concealer:
    """Conceals checked events: ids become pseudonyms, and the fields of `CONCEALED` ciphertext."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def events(self, events: Sequence[tuple[EventType, bytes]]) -> list[ConcealedEvent | Rejection]:
        """Each event, a type and its JSON, as it goes to Kafka; a `Rejection` (of its position) for what must not.

        All persons are looked up at once. Raises `StorageError` while the key store is away.
        """
        read = [_EVENT(value) for _, value in events]
        persons = self._keys.persons([one for event in read for one in _persons_in(event)])
        return [
            _event(position, event_type, event, persons)
            for position, ((event_type, _), event) in enumerate(zip(events, read, strict=True))
        ]

    def links(self, links: Sequence[bytes]) -> list[bytes | Rejection]:
        """Links of ids, in JSON, as they go to Kafka."""
        read = [_EVENT(value) for value in links]
        persons = self._keys.persons(one for link in read for one in (link["one"], link["other"]))
        concealed: list[bytes | Rejection] = []
        for position, link in enumerate(read):
            one, other = persons[link["one"]], persons[link["other"]]
            if one is None or other is None:
                concealed.append(_erased(position))
            else:
                told = {**link, "link_id": one.digest(link["link_id"]), "one": one.customer_id}
                concealed.append(_ENCODE({**told, "other": other.customer_id}))
        return concealed


def _event(
    position: int, event_type: EventType, event: dict[str, Any], persons: Mapping[str, KeyedPerson | None]
) -> ConcealedEvent | Rejection:
    """An event that was read, which is written anew."""
    person = persons[event[CUSTOMER]]
    if person is None:
        return _erased(position)
    known = _KNOWN[event_type]
    if not known.issuperset(event):
        event = {name: value for name, value in event.items() if name in known}
    for name, field in _HIDDEN[event_type]:
        text = event.get(name)
        if text is not None:
            event[name] = found = concealed_text(person, text, field)
            if found is None:
                detail = f"{name} is too long to be encrypted: expected some {field.limit * 2 // 3:,} characters"
                return Rejection(position, Defect.WRONG_LENGTH, detail)
    event[CUSTOMER] = person.customer_id
    if not _OTHERS.isdisjoint(event) and not _conceal_others(event, persons):
        return _erased(position)
    return ConcealedEvent(person.customer_id, _ENCODE(event))


def _conceal_others(event: dict[str, Any], persons: Mapping[str, KeyedPerson | None]) -> bool:
    """Put pseudonyms in place of whom an event names beside its customer; False if one of them was erased."""
    for name in PERSONS:
        if other := event.get(name):
            if (person := persons[other]) is None:
                return False
            event[name] = person.customer_id
    if tokens := event.get(_IDENTIFIERS):
        stand: dict[str, str] = {}
        for kind, token in tokens.items():
            if token:
                if (person := persons[f"{kind}:{token}"]) is None:
                    return False
                stand[kind] = person.customer_id.partition(":")[2]
        event[_IDENTIFIERS] = stand
    return True


def concealed_text(person: KeyedPerson, text: str, field: ConcealedField) -> str | None:
    """A text under the key of a person; None for one that has no room in its field. What is such already stays."""
    if field.is_id and is_digest(text):
        return text
    # a text that begins as if it were compressed is compressed, so that a reader can tell
    found = person.encrypt(text)
    if len(found) <= field.limit and not text.startswith(PACKED):
        return found
    if field.is_id:
        return person.digest(text)
    packed = PACKED + b64encode(zlib.compress(text.encode(), 9)).decode()
    found = person.encrypt(packed)
    return found if len(found) <= field.limit else None


def _persons_in(event: Mapping[str, Any]) -> list[str]:
    """The ids of an event that are persons'."""
    ids: list[str] = [event[CUSTOMER]]
    if not _OTHERS.isdisjoint(event):
        ids += [other for name in PERSONS if (other := event.get(name))]
        ids += [f"{kind}:{token}" for kind, token in (event.get(_IDENTIFIERS) or {}).items() if token]
    return ids


def _erased(position: int) -> Rejection:
    return Rejection(position, Defect.ERASED, "the person was erased, and later events are refused")
