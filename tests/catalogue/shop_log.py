"""Half a year of a shop with premises."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from stream.events.kinds import EventKind
from tests.oracle.event import Event
from tests.oracle.record import record_of

__all__ = ["BEGIN_MS", "DAY_MS", "Told", "shop_log"]

DAY_MS = 86_400_000
BEGIN_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)


class Told(NamedTuple):
    """An event of the log. ``event``: for the oracle, None for a visit."""

    customer: str
    at: int
    name: str
    event: Event | None
    native: dict[str, Any]


def shop_log() -> list[Told]:
    """Half a year of six customers, each of whom begins with an order."""
    random = Random(14)
    told = []
    kinds = (
        EventKind.EMAIL_COMPLAINED,
        EventKind.EMAIL_OPENED,
        EventKind.PRODUCT_ADDED,
        EventKind.PAGE_VIEWED,
        EventKind.ORDER_COMPLETED,
        None,
        None,
    )
    for customer in (f"c-{k}" for k in range(6)):
        times = sorted({random.randrange(1, 180 * 24 * 60) * 60_000 for _ in range(60)})
        for k, at in enumerate([0, *times]):
            kind = EventKind.ORDER_COMPLETED if k == 0 else random.choice(kinds)
            event_id, moment = f"{customer}-{k}", BEGIN_MS + at
            if kind is None:
                name = random.choice(("entered", "entered", "left"))
                native = {
                    "event_id": event_id,
                    "customer_id": customer,
                    "occurred_at": (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment)).isoformat(),
                    "name": name,
                    "place": "Main Street",
                }
                told.append(Told(customer, moment, name, None, native))
                continue
            is_order = kind is EventKind.ORDER_COMPLETED
            event = Event(event_id, kind, moment, f"o-{event_id}" if is_order else "", 250_000 if is_order else 0)
            told.append(Told(customer, moment, kind.name, event, json.loads(record_of(customer, event).value or b"")))
    return sorted(told, key=lambda one: one.at)
