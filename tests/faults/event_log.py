"""A seeded event log: what producers wrote to Kafka, and what an oracle must know about it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from stream.events.kinds import KIND_OF, EventType
from stream.events.partition import partition_of
from tests.oracle.event import Event

__all__ = ["EventLog", "LogRecord", "made_log"]

_DAY_MS = 86_400_000
#: 2024-01-01T00:00:00Z
BEGIN_MS = 1_704_067_200_000
#: Far fewer events of a customer than a profile remembers, and never older than it remembers.
_LATENESS_MS = 20 * _DAY_MS
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
    """``records[source][partition]`` in offset order; ``truth`` has every good record as the oracle sees it."""

    seed: int
    partitions: int
    records: list[list[list[LogRecord]]]
    truth: dict[str, list[Event]]

    @property
    def size(self) -> int:
        return sum(len(log) for logs in self.records for log in logs)

    def ends(self, partition: int) -> list[int]:
        """End of the log of each source in a partition."""
        return [len(self.records[source][partition]) for source in range(len(EventType))]


class _Arrival(NamedTuple):
    arrived_ms: int
    source: int
    customer: str
    key: bytes | None
    value: bytes | None
    truth: Event | None


class _Writer:
    """Collects what arrives when, for one log."""

    def __init__(self, seed: int, copies: int, padding: int) -> None:
        self.random = random.Random(seed)
        self.arrivals: list[_Arrival] = []
        self._copies = copies
        self._padding = {"padding": "x" * padding} if padding else {}
        self._number = 0

    def event(self, source: EventType, name: str, customer: str, at_ms: int, **more: object) -> None:
        """An event that mostly arrives in order, sometimes days late, and sometimes again."""
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
        late = self.random.random()
        delay_ms = 0
        if late < 0.10:
            delay_ms = int(self.random.expovariate(1 / (6 * 3_600_000)))
        elif late < 0.12:
            delay_ms = int(self.random.uniform(0, _LATENESS_MS))
        copies = self._copies if self._copies > 1 else 1 + (self.random.random() < 0.03)
        for _ in range(copies):
            position = tuple(EventType).index(source)
            self.arrivals.append(_Arrival(at_ms + delay_ms, position, customer, customer.encode(), value, truth))
            delay_ms += int(self.random.uniform(0, 5 * _DAY_MS))

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
) -> EventLog:
    """Make the log of a seed: orders, clicks, mail of ``customers`` over ``days``, late and repeated here and there.

    ``copies``: how often each event is sent, with new offsets. ``poison``: records that are no events.
    ``hot_share``: share of all events that belong to one customer. ``padding``: octets that make every event longer, so
    that a log is not fetched whole at once. ``oversize``: with records as long as a broker takes.
    """
    writer = _Writer(seed, copies, padding)
    names = [f"c{number:04d}" for number in range(customers)]
    for customer in names:
        _live(writer, customer, days)
    if hot_share:
        _add_hot_customer(writer, hot_share, days)
    for number in range(poison):
        _add_poison(writer, number, writer.random.choice(names), days)
    if oversize:
        for number in range(6):
            key, value = (b"k" * _LONGEST, b"v") if number % 2 else (names[number].encode(), b"v" * _LONGEST)
            writer.poison(number % len(EventType), names[number], BEGIN_MS + number * 20 * _DAY_MS, key, value)
    return _written(writer, seed, partitions)


def _live(writer: _Writer, customer: str, days: int) -> None:
    rng = writer.random
    begin = BEGIN_MS + int(rng.uniform(0, days * 0.4) * _DAY_MS)
    end = BEGIN_MS + int((days if rng.random() < 0.6 else rng.uniform(days * 0.4, days)) * _DAY_MS)
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
            writer.event(
                EventType.PURCHASE, "completed", customer, at, order_id=identity, amount=amount, currency="EUR"
            )
            after = at + int(rng.uniform(0.1, 5) * _DAY_MS)
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


def _add_hot_customer(writer: _Writer, share: float, days: int) -> None:
    """No more than a profile remembers: beyond that the oracle's rule (every id for ever) is not the product's."""
    count = min(int(len(writer.arrivals) * share / (1 - share)), 900)
    for _ in range(count):
        at = BEGIN_MS + int(writer.random.uniform(0, days) * _DAY_MS)
        writer.event(EventType.CLICK, "product_viewed", "hot", at, url="/hot")


def _add_poison(writer: _Writer, number: int, customer: str, days: int) -> None:
    arrived = BEGIN_MS + int(writer.random.uniform(0, days) * _DAY_MS)
    kind = number % len(_POISON)
    key, value = _POISON[kind](customer, number)
    writer.poison(number % len(EventType), customer, arrived, key, value)


def _event(customer: str, number: int, **changed: object) -> bytes:
    fields = {
        "event_id": f"p{number}",
        "customer_id": customer,
        "occurred_at": BEGIN_MS / 1000,
        "name": "no_such_name",
        **changed,
    }
    return orjson.dumps(fields)


_POISON: tuple[Callable[[str, int], tuple[bytes | None, bytes | None]], ...] = (
    lambda c, _: (c.encode(), b"not json"),
    lambda c, _: (c.encode(), None),
    lambda c, n: (None, _event(c, n)),
    lambda c, _: (c.encode(), b""),
    lambda c, _: (c.encode(), b"{" * 40),
    lambda c, _: (c.encode(), b"[" * 5000),
    lambda c, _: (c.encode(), b'{"event_id": "\xff\xfe"}'),
    lambda c, _: (c.encode(), b'{"event_id": "\\ud800"}'),
    lambda c, n: (c.encode(), _event(c, n)),
    lambda c, n: (c.encode(), _event("someone-else", n)),
    lambda c, n: (c.encode(), _event(c, n, occurred_at=0.0)),  # 1970
    lambda c, n: (c.encode(), _event(c, n, occurred_at="2100-01-01T00:00:00Z")),
    lambda c, n: (c.encode(), _event(c, n, occurred_at=1e300)),
    lambda c, n: (c.encode(), _event(c, n, occurred_at="yesterday")),
    lambda c, n: (c.encode(), _event(c, n, event_id="")),
    lambda c, n: (c.encode(), _event(c, n, event_id="x" * 1000)),
    lambda c, n: (c.encode(), _event(c, n, event_id="a\x00b")),
    lambda c, n: (c.encode(), _event(c, n, event_id=7)),
    lambda c, n: (c.encode(), b"x" * (200_000 if n < 200 else 2_000)),
    lambda c, _: (c.encode(), b"null"),
)


def _written(writer: _Writer, seed: int, partitions: int) -> EventLog:
    writer.arrivals.sort(key=lambda arrival: arrival.arrived_ms)
    records: list[list[list[LogRecord]]] = [[[] for _ in range(partitions)] for _ in EventType]
    truth: dict[str, list[Event]] = {}
    for arrival in writer.arrivals:
        log = records[arrival.source][partition_of(arrival.customer, partitions)]
        log.append(LogRecord(arrival.key, arrival.value, arrival.arrived_ms, len(log)))
        if arrival.truth is not None:
            truth.setdefault(arrival.customer, []).append(arrival.truth)
    return EventLog(seed, partitions, records, truth)
