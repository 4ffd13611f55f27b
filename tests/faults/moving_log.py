"""A seeded story of people who are linked, merged and taken apart while their events come, and what each is at the end.

Where all of it must lead follows from the whole set of links and events, in no order.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from confluent_kafka import Producer

from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.events.kinds import EventKind, EventType
from stream.events.partitioner import partition_of
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.links import Link, LinkName
from stream.identity.records import KEY, IdentityLink, encode_link
from stream.identity.resolver import Resolver
from stream.settings import Settings
from tests.oracle.event import Event
from tests.oracle.record import record_of, type_of

__all__ = ["MovingLog", "made_moves"]

#: 2024-01-01T00:00:00Z
_BEGIN_MS = 1_704_067_200_000
#: All within the days for which histories follow.
_STEP_MS = 600_000
_PEOPLE = 8
_ITEMS = 700


class _Came(NamedTuple):
    """An event of the core under an id; ``also``: one more identifier of the person, or empty."""

    own_id: str
    event: Event
    also: str = ""


class _Said(NamedTuple):
    """A statement about marketing; ``is_straight``: it does not come by the topic `arrivals`."""

    own_id: str
    number: int
    is_withdrawn: bool
    is_straight: bool


class _Decided(NamedTuple):
    """What people decide about two ids."""

    number: int
    name: LinkName
    one: str
    other: str


@dataclass
class MovingLog:
    """``items`` in the order in which they are written; repeated ones count once."""

    partitions: int
    items: list[_Came | _Said | _Decided] = field(default_factory=list)
    written: int = 0

    def produce(self, settings: Settings, count: int) -> None:
        """Write the next items."""
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "log_level": 0})
        for item in self.items[self.written : self.written + count]:
            topic, key, value, headers = _record(settings, item)
            producer.produce(topic, value, key, partition_of(key, self.partitions), headers=headers)
        if left := producer.flush(60.0):
            raise AssertionError(f"{left} records were not delivered")
        self.written += count

    @property
    def ids(self) -> list[str]:
        return sorted({item.own_id for item in self.items if not isinstance(item, _Decided)})

    def resolver(self) -> Resolver:
        """Who is who by all links."""
        found = Resolver()
        for item in self.items:
            if isinstance(item, _Decided):
                found.take(Link(item.name, item.one, item.other, _at_ms(item.number), f"d-{item.number}"))
            elif isinstance(item, _Came) and item.also:
                event = item.event
                found.take(Link(LinkName.IDENTIFIED, item.own_id, item.also, event.at, event.event_id))
        return found

    def events(self) -> dict[str, list[Event]]:
        """The events of the core of each customer of the end, each once."""
        resolver = self.resolver()
        once = {item.event.event_id: item for item in self.items if isinstance(item, _Came)}
        found: dict[str, list[Event]] = {}
        for item in once.values():
            found.setdefault(resolver.customer_of(item.own_id), []).append(item.event)
        return found

    def days(self) -> dict[str, dict[str, dict[str, int]]]:
        """How many events of each type of the core each customer of the end had on each day."""
        resolver = self.resolver()
        at = {
            (item.own_id, type_of(item.event).value, item.event.event_id): item.event.at
            for item in self.items
            if isinstance(item, _Came)
        }
        counts: dict[str, dict[str, Counter[str]]] = {}
        for (own_id, type_, _), at_ms in at.items():
            date = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
            counts.setdefault(resolver.customer_of(own_id), {}).setdefault(date, Counter())[type_] += 1
        return {who: {date: dict(of) for date, of in days.items()} for who, days in counts.items()}

    def agreements(self) -> Mapping[str, Agreements]:
        """What the person of each id said under all of theirs."""
        resolver = self.resolver()
        of: dict[str, Agreements] = {}
        for one in self._said():
            said = Statement(_at_ms(one.number), one.is_withdrawn, f"s-{one.number}", f"consent {_name(one)}")
            of.setdefault(resolver.customer_of(one.own_id), Agreements()).add(Purpose.MARKETING, None, said)
        return {own_id: of.get(resolver.customer_of(own_id), Agreements()) for own_id in self.ids}

    def _said(self) -> Iterator[_Said]:
        return (item for item in self.items if isinstance(item, _Said))


def made_moves(seed: int, partitions: int) -> MovingLog:
    """Customers with an address and two cookies: logins, orders, statements, and decisions that are taken back."""
    rng = random.Random(f"moves/{seed}")
    people = [
        (f"k-{n}", f"email:h1_{9000 + n:022d}", f"anonymous_id:h1_{9000 + n:022d}", f"anonymous_id:h1_{9500 + n:022d}")
        for n in range(_PEOPLE)
    ]
    log = MovingLog(partitions)
    for number in range(_ITEMS):
        customer, address, *cookies = rng.choice(people)
        own_id, chance = rng.choice([customer, customer, *cookies]), rng.random()
        if chance < 0.08:
            one, other = rng.sample(people, 2)
            name = rng.choice([LinkName.MERGE, LinkName.MERGE, LinkName.UNMERGE])
            log.items.append(_Decided(number, name, one[0], other[0]))
        elif chance < 0.16:
            log.items.append(_Said(own_id, number, rng.random() < 0.5, rng.random() < 0.4))
        elif chance < 0.24 and (came := [item for item in log.items if isinstance(item, _Came)]):
            log.items.append(rng.choice(came))
        else:
            also = rng.choice([address, *cookies]) if own_id == customer and rng.random() < 0.15 else ""
            log.items.append(_Came(own_id, _event(rng, number), also))
    return log


def _event(rng: random.Random, number: int) -> Event:
    if rng.random() < 0.25:
        return Event(f"m-{number}", EventKind.ORDER_COMPLETED, _at_ms(number), f"o-{number}", rng.randrange(10**6))
    kind = rng.choice([EventKind.PAGE_VIEWED, EventKind.PRODUCT_VIEWED, EventKind.EMAIL_CLICKED])
    return Event(f"m-{number}", kind, _at_ms(number))


def _at_ms(number: int) -> int:
    return _BEGIN_MS + number * _STEP_MS


def _name(said: _Said) -> str:
    return "withdrawn" if said.is_withdrawn else "granted"


def _record(
    settings: Settings, item: _Came | _Said | _Decided
) -> tuple[str, str, bytes, list[tuple[str, str | bytes | None]]]:
    """Topic, key, value and headers."""
    if isinstance(item, _Decided):
        link = IdentityLink(
            link_id=f"d-{item.number}",
            name=item.name.value,
            one=item.one,
            other=item.other,
            occurred_at=_at_ms(item.number) / 1000,
            by="ann",
        )
        return settings.identities, KEY, encode_link(link), []
    if isinstance(item, _Said):
        at_s = _at_ms(item.number) / 1000
        body = {"event_id": f"s-{item.number}", "customer_id": item.own_id, "occurred_at": at_s, "name": _name(item)}
        value = orjson.dumps({**body, "purpose": "marketing"})
        if item.is_straight:
            return settings.topic_of(EventType.CONSENT), item.own_id, value, []
        return settings.arrivals, item.own_id, value, [(TYPE_HEADER, b"consent")]
    value = record_of(item.own_id, item.event).value or b""
    if item.also:
        kind, _, token = item.also.partition(":")
        value = orjson.dumps({**orjson.loads(value), "identifiers": {kind: token}})
    return settings.arrivals, item.own_id, value, [(TYPE_HEADER, type_of(item.event).value.encode())]
