"""A seeded log of the topic `arrivals` whose events tell who is who, and by search where all of it must lead."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from confluent_kafka import Producer

from stream.events.partitioner import partition_of
from stream.identity.arrival_notes import TYPE_HEADER
from stream.identity.records import KEY
from stream.settings import Settings
from tests.faults.arrival_log import ArrivalLog, made_arrivals

__all__ = ["LoginLog", "arrivals_for", "made_logins"]

#: 2024-01-01T00:00:00Z
_BEGIN_S = 1_704_067_200
_CUSTOMERS = 25
_VISITORS = 10
_EVENTS = 900
_COOKIE = "anonymous_id"


class _Visit(NamedTuple):
    """An event under an id, with one more identifier of the person, or none."""

    own_id: str
    event_id: str
    at_s: int
    also: str = ""


@dataclass
class LoginLog:
    """No two customers share an identifier, so the end follows from the set of links alone."""

    partitions: int
    visits: list[_Visit] = field(default_factory=list)

    def produce(self, settings: Settings) -> None:
        """Write the whole log, before any worker reads it."""
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "log_level": 0})
        for one in self.visits:
            partition = partition_of(one.own_id, self.partitions)
            headers: list[tuple[str, str | bytes | None]] = [(TYPE_HEADER, b"interaction")]
            producer.produce(settings.arrivals, _value(one), one.own_id, partition, headers=headers)
        if left := producer.flush(60.0):
            raise AssertionError(f"{left} arrivals were not delivered")

    def sent(self) -> dict[str, str]:
        """The customer to whom each event goes; those of visitors wait to the end."""
        people = self._people()
        return {one.event_id: people[one.own_id] for one in self.visits if people[one.own_id].startswith("c-")}

    def states(self) -> dict[tuple[int, str], tuple[str, list[str]]]:
        """Of the projection `arrivals`: customer of each id, empty for the id itself, and the events that wait."""
        held: dict[str, set[str]] = defaultdict(set)
        people = self._people()
        came = {one.own_id for one in self.visits}
        for one in self.visits:
            if not people[one.own_id].startswith("c-"):
                held[one.own_id].add(one.event_id)
        return {
            (partition_of(name, self.partitions), name): ("" if person == name else person, sorted(held[name]))
            for name, person in people.items()
            if name in came or person != name
        }

    def groups(self) -> dict[tuple[int, str], tuple[str, list[str]]]:
        """Of the projection `identity`: the customer of each id, and what it is linked with; what customers said."""
        people, links = self._people(), self._links()
        hub = partition_of(KEY, self.partitions)
        found = {(hub, one): ("" if people[one] == one else people[one], sorted(of)) for one, of in links.items()}
        said: dict[str, set[str]] = defaultdict(set)
        for one in self.visits:
            if one.also:
                said[one.own_id].add(one.also)
        return found | {
            (partition_of(name, self.partitions), f"\x1f{name}"): ("", sorted(others)) for name, others in said.items()
        }

    def _links(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.visits:
            if one.also:
                found[one.own_id].add(one.also)
                found[one.also].add(one.own_id)
        return found

    def _people(self) -> dict[str, str]:
        """Of each id, the customer who can be reached from it by links, else the address, else the id itself."""
        links = self._links()
        found: dict[str, str] = {}
        for name in {one.own_id for one in self.visits} | links.keys():
            reached, waiting = {name}, [name]
            while waiting:
                further = links.get(waiting.pop(), set()) - reached
                reached |= further
                waiting += further
            found[name] = min(reached, key=lambda one: (not one.startswith("c-"), not one.startswith("email:"), one))
        return found


def made_logins(seed: int, partitions: int) -> LoginLog:
    """Customers with an address and two cookies, and visitors who left an address at most; some events come twice."""
    rng = random.Random(f"logins/{seed}")
    people = [(f"c-{n}", _token("email", n), _token(_COOKIE, n), _token(_COOKIE, n + 500)) for n in range(_CUSTOMERS)]
    visitors = [(_token(_COOKIE, n), _token("email", n)) for n in range(1000, 1000 + _VISITORS)]
    log = LoginLog(partitions)
    for number in range(_EVENTS):
        if log.visits and rng.random() < 0.15:
            log.visits.append(rng.choice(log.visits))
            continue
        ids = rng.choice([*people, *people, *visitors])
        named = [one for one in ids if not one.startswith("email:")]
        own_id = rng.choice(named)
        also = rng.choice([one for one in ids if one != own_id and not one.startswith("c-")])
        # a cookie tells an address or nothing, so that cookies are joined by a login or an address
        tells = rng.random() < 0.1 and not (own_id.startswith(_COOKIE) and also.startswith(_COOKIE))
        log.visits.append(_Visit(own_id, f"i-{number}", _BEGIN_S + number, also if tells else ""))
    return log


def arrivals_for(settings: Settings, seed: int) -> ArrivalLog | LoginLog | None:
    """The log of the topic `arrivals` that the projections of ``settings`` need."""
    if "arrivals" not in settings.projections:
        return None
    return (made_logins if settings.join_identities else made_arrivals)(seed, settings.partitions)


def _token(kind: str, number: int) -> str:
    return f"{kind}:h1_{number:022d}"


def _value(one: _Visit) -> bytes:
    kind, _, token = one.also.partition(":")
    body = {"event_id": one.event_id, "customer_id": one.own_id, "occurred_at": one.at_s, "name": "visited"}
    return orjson.dumps({**body, "identifiers": {kind: token}} if one.also else body)
