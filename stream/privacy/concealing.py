"""Events and links on their way to Kafka: pseudonyms in place of persons, ciphertext in place of what tells of them."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Sequence
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
_EVENT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str | None)
_TOKENS: Final = msgspec.json.Decoder(dict[str, str | None] | None)
_LINK: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
_ENCODE: Final = msgspec.json.Encoder().encode
#: Fields that a contract does not know could be anything: they are left out.
_KNOWN: Final = {
    event_type: frozenset(field.encode_name for field in msgspec.structs.fields(contract)) | {"type"}
    for event_type, contract in CONTRACT_OF.items()
}


class ConcealedEvent(msgspec.Struct, frozen=True):
    """An event as it goes to Kafka, under the pseudonym of its customer."""

    customer_id: str
    value: bytes


class Concealer:
    """Conceals checked events: ids become pseudonyms, and the fields of `CONCEALED` ciphertext."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def events(self, events: Sequence[tuple[EventType, bytes]]) -> list[ConcealedEvent | Rejection]:
        """Each event, a type and its JSON, as it goes to Kafka; a `Rejection` (of its position) for what must not go.

        All persons are looked up at once. Raises `StorageError` while the key store is away.
        """
        read = [_EVENT.decode(value) for _, value in events]
        named = [_named(event) for event in read]
        persons = self._keys.persons(one for ids in named for one in ids.values())
        return [
            self._event(position, event_type, event, ids, persons)
            for position, ((event_type, _), event, ids) in enumerate(zip(events, read, named, strict=True))
        ]

    def links(self, links: Sequence[bytes]) -> list[bytes | Rejection]:
        """Links of ids, in JSON, as they go to Kafka."""
        read = [_LINK.decode(value) for value in links]
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
        self,
        position: int,
        event_type: EventType,
        event: dict[str, msgspec.Raw],
        ids: dict[str, str],
        persons: dict[str, KeyedPerson | None],
    ) -> ConcealedEvent | Rejection:
        if any(persons[one] is None for one in ids.values()):
            return _erased(position)
        person = persons[ids[CUSTOMER]]
        if person is None:
            raise AssertionError("it was looked at just now")
        told = _hidden(person, event_type, event)
        if isinstance(told, Rejection):
            return told._replace(record=position)
        known = _KNOWN[event_type]
        told |= {name: raw for name, raw in event.items() if name in known and name not in told}
        tokens: dict[str, str] = {}
        for name, one in ids.items():
            stands = persons[one]
            pseudonym = stands.customer_id if stands is not None else ""
            if name in PERSONS or name == CUSTOMER:
                told[name] = pseudonym
            else:
                tokens[name] = pseudonym.partition(":")[2]
        if tokens:
            told[_IDENTIFIERS] = tokens
        return ConcealedEvent(person.customer_id, _ENCODE(told))


def _hidden(person: KeyedPerson, event_type: EventType, event: dict[str, msgspec.Raw]) -> dict[str, object] | Rejection:
    """The fields of an event that are encrypted."""
    told: dict[str, object] = {}
    for name, field in CONCEALED[event_type].items():
        text = _TEXT.decode(event[name]) if name in event else None
        if text is None:
            continue
        told[name] = found = concealed_text(person, text, field)
        if found is None:
            detail = f"{name} is too long to be encrypted: expected some {field.limit * 2 // 3:,} characters"
            return Rejection(0, Defect.WRONG_LENGTH, detail)
    return told


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


def _named(event: dict[str, msgspec.Raw]) -> dict[str, str]:
    """The persons of an event by the field that names them; kinds of identifiers are fields of their own."""
    ids = {CUSTOMER: _TEXT.decode(event[CUSTOMER]) or ""}
    for name in PERSONS:
        if name in event and (text := _TEXT.decode(event[name])):
            ids[name] = text
    if _IDENTIFIERS in event:
        for kind, token in (_TOKENS.decode(event[_IDENTIFIERS]) or {}).items():
            if token:
                ids[kind] = f"{kind}:{token}"
    return ids


def _erased(position: int) -> Rejection:
    return Rejection(position, Defect.ERASED, "the person was erased, and later events are refused")
