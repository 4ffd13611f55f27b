"""Everything about a person, from all stores and from all topics as far as they reach back."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from stream.cli.kafka import cluster_metadata
from stream.cli.page_files import page_writer
from stream.cli.privacy_stores import inventory
from stream.events.kinds import EventType
from stream.events.times import rfc3339
from stream.notifications.inbound import Inbound
from stream.notifications.read_to_end import read_to_end
from stream.privacy.revealing import Revealer
from stream.projections.subjects import subjects
from stream.settings import Settings

__all__ = ["ExportedPerson", "as_events", "as_facts", "exported", "person_data"]

#: A header of events in `arrivals`, and the one of notes among them.
_TYPE: Final = "event-type"
#: Fields for programs: the packed profile, which says the same as the document beside it.
_PACKED: Final = frozenset({"state"})


class ExportedPerson(NamedTuple):
    """Everything about a person, in clear. ``page``: ``document`` to be read; ``events``: JSON Lines."""

    document: str
    page: str
    events: str


def exported(settings: Settings, ids: Sequence[str]) -> ExportedPerson | None:
    """The files of a person; None when nothing is kept of them. Raises `StorageError` and `TopologyError`."""
    writer = page_writer()
    data = person_data(settings, ids)
    if not data["stores"] and not data["topics"]:
        return None
    of_stores = {store: [[*as_facts(one)] for one in things] for store, things in data["stores"].items()}
    of_topics = {topic: [[*as_facts(one["value"])] for one in records] for topic, records in data["topics"].items()}
    page = writer.person_page(data["made_at"], data["ids"], of_stores, of_topics)
    with Revealer.of(settings) as revealer:
        return ExportedPerson(
            revealer.json(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()),
            revealer.html(page),
            revealer.json(as_events(settings, data).decode()),
        )


def person_data(settings: Settings, ids: Sequence[str]) -> dict[str, Any]:
    """The person as one JSON object: ``ids``, ``stores`` (things by store), ``topics`` (records by topic).

    Topics are read to their ends. Raises `StorageError` and `TopologyError`.
    """
    existing = cluster_metadata(settings).topics
    stores = {store: [one for one in found if one is not None] for store, found in inventory(settings, ids).items()}
    return {
        "made_at": rfc3339(time.time_ns() // 1_000_000),
        "ids": [*ids],
        "stores": {store: things for store, things in stores.items() if things},
        "topics": {
            topic: records
            for topic in settings.topics
            if topic in existing and (records := [*_records(settings, topic, frozenset(ids))])
        },
    }


def as_events(settings: Settings, data: Mapping[str, Any]) -> bytes:
    """The person's events as JSON Lines, as `stream produce` and `stream replay` take them, in the order of time."""
    topics: list[tuple[str, str]] = [(settings.topic_of(one), one.value) for one in EventType]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for topic, event_type in [*topics, (settings.arrivals, "")]:
        for record in data["topics"].get(topic, ()):
            event, its_type = record["value"], event_type or record["headers"].get(_TYPE, "")
            if its_type and isinstance(event, dict) and "event_id" in event:
                found.setdefault((its_type, str(event["event_id"])), {"type": its_type, **event})
    in_order = sorted(found.values(), key=lambda event: str(event.get("occurred_at", "")))
    return b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in in_order)


def as_facts(thing: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What a thing says, as names and values for a page.

    >>> [*as_facts({"a": {"b": 1, "c": [True, "x"]}, "d": None})]
    [('a, b', '1'), ('a, c', 'true'), ('a, c', 'x')]
    """
    if isinstance(thing, Mapping):
        for name, value in thing.items():
            if name not in _PACKED or not isinstance(value, str):
                yield from as_facts(value, f"{path}, {name}" if path else name)
    elif isinstance(thing, list):
        for value in thing:
            yield from as_facts(value, path)
    elif thing is not None:
        yield path, thing if isinstance(thing, str) else orjson.dumps(thing).decode()


def _records(settings: Settings, topic: str, ids: frozenset[str]) -> Iterator[dict[str, Any]]:
    named = [one.encode() for one in ids]
    for record in read_to_end(settings, topic):
        if _is_about(record, ids, named):
            yield {
                "partition": record.partition,
                "offset": record.offset,
                "at": rfc3339(record.timestamp),
                "key": _text(record.key),
                "headers": {name: _text(value) for name, value in record.headers},
                "value": _value(record.value),
            }


def _is_about(record: Inbound, ids: frozenset[str], named: Collection[bytes]) -> bool:
    if not ids.isdisjoint(subjects(record.key, record.value)):
        return True
    value = record.value or b""
    if not any(one in value for one in named):
        return False
    content = _value(value)
    return isinstance(content, dict) and content.get("customer_id") in ids


def _value(value: bytes | None) -> Any:
    try:
        return None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError:
        return _text(value)


def _text(given: bytes | None) -> str | None:
    return None if given is None else given.decode(errors="backslashreplace")
