"""Logs that no default was chosen on: parts of the two real ones, and simulated shops."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from benchmarks.simulated_shops import Orders
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import OrderBook

__all__ = ["BEGIN_MS", "CHANGES", "cohort", "events_of", "order_times", "thinned", "without_amounts"]

_DAY_MS: Final = 86_400_000
_COHORT_DAYS: Final = 84
#: The first day of a simulated shop: Monday, 2 January 2023.
BEGIN_MS: Final = 1_672_617_600_000
_DROPPED: Final = 10


def order_times(events: Sequence[LogEvent]) -> dict[str, list[int]]:
    """Times (ms) of the orders that were not cancelled, ascending, by customer."""
    purchases = [event for event in events if event.event_type is EventType.PURCHASE]
    # long ago, so that no event lies in the future
    now_ms = max((event.at_ms for event in events), default=0) + _DAY_MS
    decoded = Decoder().decode(
        EventType.PURCHASE, [LogRecord.of(event, now_ms, k) for k, event in enumerate(purchases)]
    )
    book = OrderBook()
    book.add(decoded.customer_ids, decoded.events)
    times = {who: [one.at_ms for one in found if one.is_order] for who, found in book.purchases().items()}
    return {who: found for who, found in times.items() if found}


def cohort(events: Sequence[LogEvent]) -> list[LogEvent]:
    """Only the customers with their first order within 12 weeks of the log's first order."""
    times = order_times(events)
    until = min(found[0] for found in times.values()) // _DAY_MS * _DAY_MS + _COHORT_DAYS * _DAY_MS
    chosen = {who for who, found in times.items() if found[0] < until}
    return [event for event in events if event.customer_id in chosen]


def without_amounts(events: Sequence[LogEvent]) -> list[LogEvent]:
    """All purchases without their amounts."""
    return [event._replace(value=_unpriced(event.value)) for event in events]


def _unpriced(value: bytes) -> bytes:
    fields: dict[str, Any] = msgspec.json.decode(value)
    return msgspec.json.encode({name: field for name, field in fields.items() if name not in {"amount", "currency"}})


def thinned(events: Sequence[LogEvent]) -> list[LogEvent]:
    """The log without one order in ten, chosen by the hash of its id, and its events."""
    return [event for event in events if event.event_type is not EventType.PURCHASE or not _is_dropped(event.value)]


def _is_dropped(value: bytes) -> bool:
    order = str(msgspec.json.decode(value).get("order_id", ""))
    return xxhash.xxh3_64_intdigest(order.encode()) % _DROPPED == 0


#: The changes of a log by name.
CHANGES: Final[dict[str, Callable[[Sequence[LogEvent]], list[LogEvent]]]] = {
    "cohort": cohort,
    "no amounts": without_amounts,
    "one order in ten dropped": thinned,
}


def events_of(orders: Orders, seed: int) -> list[LogEvent]:
    """The orders of a simulated shop as a log, by time; customer 7 is "c7".

    Amounts are lognormal; each customer has a usual amount, independent of the times of the orders.
    """
    generator = np.random.default_rng(seed)
    usual = generator.normal(3.4, 0.6, int(orders.customer.max()) + 1)
    amount = np.exp(usual[orders.customer] + generator.normal(0.0, 0.4, len(orders.at)))
    at_ms: npt.NDArray[np.int64] = BEGIN_MS + (orders.at * _DAY_MS).astype(np.int64)
    return [
        _order(f"c{orders.customer[k]}", int(at_ms[k]), f"o{k}", float(amount[k]))
        for k in np.argsort(at_ms, kind="stable").tolist()
    ]


def _order(customer: str, at_ms: int, order: str, amount: float) -> LogEvent:
    at = np.datetime_as_string(np.datetime64(at_ms, "ms")) + "Z"
    value = msgspec.json.encode(
        {
            "event_id": order,
            "customer_id": customer,
            "occurred_at": at,
            "name": "completed",
            "order_id": order,
            "amount": round(amount, 2),
            "currency": "USD",
        }
    )
    return LogEvent(EventType.PURCHASE, customer, at_ms, value)
