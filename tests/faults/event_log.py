"""A seeded event log: the records in Kafka, and the oracle's view of them."""

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from stream.catalogue.events import KERNEL_TYPES
from stream.events.kinds import KIND_OF, EventType
from stream.events.partitioner import partition_of
from tests.faults.poison import POISON
from tests.oracle.event import Event

__all__ = ["EventLog", "LogRecord", "made_log"]

_DAY_MS = 86_400_000
#: 2024-01-01T00:00:00Z
BEGIN_MS = 1_704_067_200_000
#: Customers' ids are checked for duplicates this far back from their newest event.
_RETENTION_MS = 90 * _DAY_MS
#: Between an order and its cancellation. A cancellation of a forgotten order changes nothing, so it may be late by this
#: much less than other events.
_TO_CANCEL_MS = 5 * _DAY_MS
#: Of the one hot customer: no more than a profile remembers, for the oracle's rule is that every id is, for ever.
_MAX_OF_ONE = 900
#: Fresh events lie between half an hour before the end of the log, which is now, and as far ahead as clocks may be.
_FRESH_MS = 1_800_000
_AHEAD_MS = 200_000
#: A record of this length just fits into what a broker takes, 1 MiB with its framing.
_LONGEST = 1_048_400


class LogRecord(NamedTuple):
    """A record of one partition of one topic, in the shape of a consumed one. ``timestamp`` in ms."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    offset: int
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True)
class EventLog:
    """``records[source][partition]`` in offset order; ``truth`` has every good record as the oracle sees it.

    ``too_late``: good events that are older than what can be checked, named as `identity_of_dead_letter` does.
    """

    seed: int
    partitions: int
    records: list[list[list[LogRecord]]]
    truth: dict[str, list[Event]]
    too_late: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        return sum(len(log) for logs in self.records for log in logs)

    def ends(self, partition: int) -> list[int]:
        """End of the log of each source in a partition."""
        return [len(self.records[source][partition]) for source in range(len(KERNEL_TYPES))]


class _Arrival(NamedTuple):
    arrived_ms: int
    source: int
    customer: str
    key: bytes | None
    value: bytes | None
    truth: Event | None
    too_late: bool = False


class _Writer:
    """Collects the arrivals of one log."""

    def __init__(
        self, seed: int, copies: int, padding: int, lateness_ms: float, begin_ms: int, products: int = 0
    ) -> None:
        self.random = random.Random(seed)
        self.begin_ms = begin_ms
        self._lateness_ms = lateness_ms
        self.arrivals: list[_Arrival] = []
        self._copies = copies
        self._padding = {"padding": "x" * padding} if padding else {}
        self._products = products
        self._number = 0

    def lines(self, order_id: str) -> dict[str, list[dict[str, str]]]:
        """What is in an order: of a log with products one to four of them, the first ones most often."""
        if not self._products:
            return {}
        drawn = random.Random(order_id)
        names = {f"p{int(self._products * drawn.random() ** 2)}" for _ in range(drawn.randint(1, 4))}
        return {"items": [{"product_id": name} for name in sorted(names)]}

    def event(self, source: EventType, name: str, customer: str, at_ms: int, **more: object) -> None:
        """An event that mostly arrives in order, sometimes days late, and sometimes again."""
        value, truth = self._made(source, name, customer, at_ms, more)
        max_ms = max(self._lateness_ms - (_TO_CANCEL_MS if name == "cancelled" else 0), 0)
        late = self.random.random()
        delay_ms = 0
        if late < 0.10:
            delay_ms = int(min(self.random.expovariate(1 / (6 * 3_600_000)), max_ms))
        elif late < 0.12:
            delay_ms = int(self.random.uniform(0, max_ms))
        copies = self._copies if self._copies > 1 else 1 + (self.random.random() < 0.03)
        for _ in range(copies):
            position = KERNEL_TYPES.index(source)
            self.arrivals.append(_Arrival(at_ms + delay_ms, position, customer, customer.encode(), value, truth))
            # a later repeat is too late, and no duplicate
            delay_ms = min(delay_ms + int(self.random.uniform(0, 5 * _DAY_MS)), _RETENTION_MS - _DAY_MS)

    def too_late(self, after: _Arrival) -> None:
        """A click that is older than the retention when it arrives: behind ``after`` in the same log."""
        age_ms = _RETENTION_MS + int(self.random.uniform(3_600_000, 30 * _DAY_MS))
        assert after.truth is not None
        value, truth = self._made(EventType.CLICK, "page_viewed", after.customer, after.truth.at - age_ms, {})
        arrived_ms = after.arrived_ms + 1 + int(self.random.uniform(0, _DAY_MS))
        self.arrivals.append(after._replace(arrived_ms=arrived_ms, value=value, truth=truth, too_late=True))

    def _made(
        self, source: EventType, name: str, customer: str, at_ms: int, more: Mapping[str, object]
    ) -> tuple[bytes, Event]:
        self._number += 1
        event_id = f"e{self._number}"
        value = orjson.dumps(
            {
                "event_id": event_id,
                "customer_id": customer,
                "occurred_at": at_ms / 1000,
                "name": name,
                **more,
                **self._padding,
            }
        )
        amount, order = more.get("amount"), more.get("order_id")
        truth = Event(
            event_id,
            KIND_OF[source, name],
            at_ms,
            str(order or ""),
            round(amount * 10_000) if isinstance(amount, float) else 0,
        )
        return value, truth

    def poison(self, source: int, customer: str, arrived_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.arrivals.append(_Arrival(arrived_ms, source, customer, key, value, None))


def made_log(
    seed: int,
    *,
    partitions: int = 4,
    customers: int = 100,
    days: int = 150,
    copies: int = 1,
    poison: int = 40,
    hot_share: float = 0.0,
    padding: int = 0,
    oversize: bool = False,
    lateness_days: float = 20,
    too_late: int = 0,
    fresh: int = 0,
    products: int = 0,
) -> EventLog:
    """Make the log of a seed: orders, clicks, mail of ``customers`` over ``days``, late and repeated here and there.

    ``copies``: how often each event is sent, with new offsets. ``poison``: records that are no events.
    ``hot_share``: share of all events that belong to one customer. ``padding``: bytes that make every event longer, so
    that a log is not fetched whole at once. ``oversize``: with records as long as a broker takes.
    ``lateness_days``: how late an event comes at most. ``too_late``: events that come later than a customer's ids are
    remembered. ``fresh``: events of each customer around the end of the log, which then is now, and not in 2024.
    ``products``: how many there are; orders then have lines.
    """
    now_ms = time.time_ns() // 1_000_000
    # orders may be taken back some days after the last of them
    begin_ms = now_ms - days * _DAY_MS - _TO_CANCEL_MS if fresh else BEGIN_MS
    writer = _Writer(seed, copies, padding, lateness_days * _DAY_MS, begin_ms, products)
    names = [f"c{number:04d}" for number in range(customers)]
    for customer in names:
        _live(writer, customer, days)
    for customer in names * fresh:
        at_ms = now_ms + int(writer.random.uniform(-_FRESH_MS, _AHEAD_MS))
        writer.event(EventType.CLICK, "page_viewed", customer, at_ms, url="/now")
    for arrival in _sampled_clicks(writer, too_late):
        writer.too_late(arrival)
    for number in range(poison):
        _add_poison(writer, number, writer.random.choice(names), days)
    if oversize:
        for number in range(6):
            key, value = (b"k" * _LONGEST, b"v") if number % 2 else (names[number].encode(), b"v" * _LONGEST)
            writer.poison(number % len(KERNEL_TYPES), names[number], begin_ms + number * 20 * _DAY_MS, key, value)
    if hot_share:
        _add_hot_customer(writer, hot_share, days)
    return _written(writer, seed, partitions)


def _live(writer: _Writer, customer: str, days: int) -> None:
    rng = writer.random
    begin = writer.begin_ms + int(rng.uniform(0, days * 0.4) * _DAY_MS)
    end = writer.begin_ms + int((days if rng.random() < 0.6 else rng.uniform(days * 0.4, days)) * _DAY_MS)
    gap_days = rng.choice((4, 8, 15, 30))
    at, order = begin, 0
    while at < end:
        writer.event(EventType.EMAIL, "sent", customer, at - 7_200_000, campaign_id="weekly")
        if rng.random() < 0.5:
            writer.event(EventType.EMAIL, rng.choice(("opened", "clicked", "delivered")), customer, at - 3_600_000)
        for click in range(rng.randrange(4)):
            name = rng.choice(("product_viewed", "product_added", "page_viewed"))
            writer.event(EventType.CLICK, name, customer, at - 60_000 * (click + 1), url="/p")
        if rng.random() < 0.7:
            order += 1
            identity, amount = f"{customer}-o{order}", round(rng.uniform(5, 200), 2)
            bought = {"order_id": identity, "amount": amount, "currency": "EUR", **writer.lines(identity)}
            writer.event(EventType.PURCHASE, "completed", customer, at, **bought)
            after = at + int(rng.uniform(0.1, 1.0) * _TO_CANCEL_MS)
            if rng.random() < 0.05:
                writer.event(EventType.PURCHASE, "cancelled", customer, after, order_id=identity)
            elif rng.random() < 0.05:
                writer.event(
                    EventType.PURCHASE,
                    "refunded",
                    customer,
                    after,
                    order_id=identity,
                    amount=round(amount / 2, 2),
                    currency="EUR",
                )
        at += int(rng.expovariate(1 / gap_days) * _DAY_MS) + 1 + rng.randrange(1000)


def _sampled_clicks(writer: _Writer, count: int) -> list[_Arrival]:
    click = KERNEL_TYPES.index(EventType.CLICK)
    return writer.random.sample([a for a in writer.arrivals if a.truth is not None and a.source == click], count)


def _add_hot_customer(writer: _Writer, share: float, days: int) -> None:
    """The number of events that makes ``share`` of all records belong to one customer."""
    count = math.ceil(len(writer.arrivals) * share / (1 - share))
    if count > _MAX_OF_ONE:
        raise ValueError(f"{count} events of one customer are more than {_MAX_OF_ONE}: take fewer customers")
    for _ in range(count):
        at = writer.begin_ms + int(writer.random.uniform(0, days) * _DAY_MS)
        writer.event(EventType.CLICK, "product_viewed", "hot", at, url="/hot")


def _add_poison(writer: _Writer, number: int, customer: str, days: int) -> None:
    arrived_ms = writer.begin_ms + int(writer.random.uniform(0, days) * _DAY_MS)
    poison = POISON[number % len(POISON)]
    source = poison.only or KERNEL_TYPES[number % len(KERNEL_TYPES)]
    key, value = poison.make(source, customer, number)
    writer.poison(KERNEL_TYPES.index(source), customer, arrived_ms, key, value)


def _written(writer: _Writer, seed: int, partitions: int) -> EventLog:
    writer.arrivals.sort(key=lambda arrival: arrival.arrived_ms)
    records: list[list[list[LogRecord]]] = [[[] for _ in range(partitions)] for _ in KERNEL_TYPES]
    truth: dict[str, list[Event]] = {}
    too_late: set[str] = set()
    for arrival in writer.arrivals:
        partition = partition_of(arrival.customer, partitions)
        log = records[arrival.source][partition]
        log.append(LogRecord(arrival.key, arrival.value, arrival.arrived_ms, len(log)))
        if arrival.too_late:
            too_late.add(f"{KERNEL_TYPES[arrival.source]}/{partition}/{log[-1].offset}: too_late")
        elif arrival.truth is not None:
            truth.setdefault(arrival.customer, []).append(arrival.truth)
    return EventLog(seed, partitions, records, truth, frozenset(too_late))
