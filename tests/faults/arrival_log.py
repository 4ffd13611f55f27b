"""A seeded log of the topic `arrivals`, and by counting where the projection must send each of its events."""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from confluent_kafka import Producer

from stream.events.partitioner import partition_of
from stream.identity.arrival_notes import NOTE_HEADERS, TYPE_HEADER, Assigned, encode_note
from stream.settings import Settings

__all__ = ["ArrivalLog", "Came", "made_arrivals"]

#: 2024-01-01T00:00:00Z
_BEGIN_S = 1_704_067_200
_IDS = 60
_EACH = 12
_PEOPLE = 9


class Came(NamedTuple):
    """An event under an id, or with ``customer`` who the id is from then on."""

    own_id: str
    event_id: str
    at_s: int
    customer: str = ""


@dataclass
class ArrivalLog:
    """``came``: in the order of the log; of an id that is in one partition."""

    partitions: int
    came: list[Came] = field(default_factory=list)

    def produce(self, settings: Settings) -> None:
        """Write the whole log, before any worker reads it."""
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "log_level": 0})
        for number, one in enumerate(self.came):
            value, headers = _record(number, one)
            partition = partition_of(one.own_id, self.partitions)
            producer.produce(settings.arrivals, value, one.own_id, partition, headers=[*headers])
        if left := producer.flush(60.0):
            raise AssertionError(f"{left} arrivals were not delivered")

    def sent(self) -> dict[str, str]:
        """The customer to whom each event goes; those that wait to the end are not among them."""
        return {event_id: customer for of in self._fates().values() for event_id, customer in of.items() if customer}

    def states(self) -> dict[tuple[int, str], tuple[str, list[str]]]:
        """Customer of each id, empty for the id itself, and the events that wait."""
        present = {one.own_id: one.customer for one in self.came if one.customer}
        return {
            (partition_of(own_id, self.partitions), own_id): (
                present.get(own_id, ""),
                sorted(event_id for event_id, customer in of.items() if not customer),
            )
            for own_id, of in self._fates().items()
        }

    def _fates(self) -> dict[str, dict[str, str]]:
        """By id, where each of its events goes; empty: it waits."""
        found: dict[str, dict[str, str]] = {}
        customers: dict[str, str] = {}
        for one in self.came:
            fates = found.setdefault(one.own_id, {})
            if one.customer:
                customers[one.own_id] = one.customer
                fates.update({event_id: one.customer for event_id, customer in fates.items() if not customer})
            else:
                own = "" if one.own_id.startswith("anonymous_id:") else one.own_id
                fates.setdefault(one.event_id, customers.get(one.own_id, own))
        return found


def made_arrivals(seed: int, partitions: int) -> ArrivalLog:
    """Cookies and customers with events, some of them twice, and cookies who turn out to be customers, then others."""
    rng = random.Random(f"arrivals/{seed}")
    log = ArrivalLog(partitions)
    ids = [f"anonymous_id:h1_{number:022d}" if number % 3 else f"c-{number}" for number in range(_IDS)]
    waiting = [own_id for own_id in ids for _ in range(_EACH)]
    rng.shuffle(waiting)
    before: dict[str, list[Came]] = {}
    for number, own_id in enumerate(waiting):
        mine = before.setdefault(own_id, [])
        chance = rng.random()
        if chance < 0.15 and own_id.startswith("anonymous_id:"):
            log.came.append(Came(own_id, "", 0, f"p-{rng.randrange(_PEOPLE)}"))
        elif chance < 0.4 and mine:
            log.came.append(rng.choice(mine))
        else:
            mine.append(Came(own_id, f"i-{number}", _BEGIN_S + number))
            log.came.append(mine[-1])
    return log


def _record(number: int, one: Came) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    if one.customer:
        return encode_note(Assigned(id=one.own_id, customer_id=one.customer, version=number)), NOTE_HEADERS
    body = {"event_id": one.event_id, "customer_id": one.own_id, "occurred_at": one.at_s, "name": "visited"}
    return orjson.dumps(body), [(TYPE_HEADER, b"interaction")]
