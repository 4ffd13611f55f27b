"""Events and links on their way to Kafka: pseudonyms in place of persons, ciphertext in place of what tells of them."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from stream.catalogue.identifiers import CUSTOMER
from stream.events.model import CONTRACT_OF, Event, Identifiers
from stream.events.rejections import Defect, Rejection
from stream.privacy.concealed_fields import CONCEALED, PERSONS, ConcealedField
from stream.privacy.person_keys import DIGEST_MARK, KeyedPerson, PersonKeys, is_digest

__all__ = ["PACKED", "ConcealedEvent", "Concealer", "concealed_text"]

#: Before a text that was compressed before it was encrypted, as it would not have fitted.
PACKED: Final = "\x00z:"
_LINK: Final = msgspec.json.Decoder(dict[str, Any]).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_KINDS: Final = Identifiers.__struct_fields__
#: Contract -> fields that are encrypted, as a loop takes them soonest.
_HIDDEN: Final = {CONTRACT_OF[event_type]: (*fields.items(),) for event_type, fields in CONCEALED.items()}
#: Contract -> fields that are the id of another person.
_OTHERS: Final = {contract: (*PERSONS.intersection(contract.__struct_fields__),) for contract in CONTRACT_OF.values()}


class ConcealedEvent(msgspec.Struct, frozen=True):
    """An event as it goes to Kafka, under the pseudonym of its customer."""

    customer_id: str
    value: bytes


class Concealer:
    """Conceals checked events: ids become pseudonyms, and the fields of `CONCEALED` ciphertext."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def events(self, events: Sequence[Event]) -> list[ConcealedEvent | Rejection]:
        """Each event as it goes to Kafka; a `Rejection` (of its position) for what must not.

        It has the fields of its contract alone: what else was sent could be anything. All persons are looked up at
        once. Raises `StorageError` while the key store is away.
        """
        persons = self._keys.persons([one for event in events for one in _persons_in(event)])
        return [_event(position, event, persons) for position, event in enumerate(events)]

    def links(self, links: Sequence[bytes]) -> list[bytes | Rejection]:
        """Links of ids, in JSON, as they go to Kafka."""
        read = [_LINK(value) for value in links]
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


def _event(position: int, event: Event, persons: Mapping[str, KeyedPerson | None]) -> ConcealedEvent | Rejection:
    person = persons[event.customer_id]
    if person is None:
        return _erased(position)
    changed: dict[str, Any] = {CUSTOMER: person.customer_id}
    contract = type(event)
    for name, field in _HIDDEN[contract]:
        text = getattr(event, name)
        if text is not None:
            changed[name] = found = concealed_text(person, text, field)
            if found is None:
                detail = f"{name} is too long to be encrypted: expected some {field.limit * 2 // 3:,} characters"
                return Rejection(position, Defect.WRONG_LENGTH, detail)
    for name in _OTHERS[contract]:
        if other := getattr(event, name):
            if (person := persons[other]) is None:
                return _erased(position)
            changed[name] = person.customer_id
    if event.identifiers is not None:
        if (tokens := _pseudonyms_of(event.identifiers, persons)) is None:
            return _erased(position)
        changed["identifiers"] = tokens
    return ConcealedEvent(changed[CUSTOMER], _ENCODE(replace(event, **changed)))


def _pseudonyms_of(identifiers: Identifiers, persons: Mapping[str, KeyedPerson | None]) -> Identifiers | None:
    """What stands for tokens of identifiers; None if one of them was erased."""
    stand: dict[str, str] = {}
    for kind, token in _tokens_in(identifiers):
        if (person := persons[f"{kind}:{token}"]) is None:
            return None
        stand[kind] = person.customer_id.partition(":")[2]
    return Identifiers(**stand)


def _tokens_in(identifiers: Identifiers) -> list[tuple[str, str]]:
    return [(kind, token) for kind in _KINDS if (token := getattr(identifiers, kind))]


def concealed_text(person: KeyedPerson, text: str, field: ConcealedField) -> str | None:
    """A text under the key of a person; None for one that has no room in its field. What is such already stays."""
    if text.startswith(DIGEST_MARK) and field.is_id and is_digest(text):
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


def _persons_in(event: Event) -> list[str]:
    """The ids of an event that are persons'."""
    ids = [event.customer_id, *(other for name in _OTHERS[type(event)] if (other := getattr(event, name)))]
    if event.identifiers is not None:
        ids += [f"{kind}:{token}" for kind, token in _tokens_in(event.identifiers)]
    return ids


def _erased(position: int) -> Rejection:
    return Rejection(position, Defect.ERASED, "the person was erased, and later events are refused")
