"""Made-up shops: customers with individual habits, some of whom leave; a function of the seed.

`rows` is the truth, for computations that share nothing with the program; `events` is the program's input, with orders
told twice and in another order.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from stream.events.kinds import EventType
from stream.events.log_event import LogEvent

DAY_MS = 86_400_000
DAYS = 730
END_MS = round(datetime(2026, 6, 30, 18, tzinfo=UTC).timestamp() * 1000)
START_MS = END_MS - DAYS * DAY_MS


@dataclass
class Shop:
    """``rows``: orders and refunds that stand: customer, at_ms, amount, kind ("order" or "refund")."""

    events: list[LogEvent] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, event_type: EventType, customer: str, at_ms: int, name: str, **fields: object) -> None:
        value = {
            "event_id": f"{customer}:{name}:{len(self.events)}",
            "customer_id": customer,
            "occurred_at": at_ms / 1000,
            "name": name,
            **fields,
        }
        self.events.append(LogEvent(event_type, customer, at_ms, json.dumps(value).encode()))

    def row(self, customer: str, at_ms: int, amount: float, kind: str) -> None:
        self.rows.append({"customer": customer, "at_ms": at_ms, "amount": amount, "kind": kind})


def make_shop(customers: int, seed: int = 7) -> Shop:
    """Two years of a shop with about six orders a customer."""
    random = np.random.default_rng(seed)
    shop = Shop()
    for number in range(customers):
        _live(shop, f"c-{number}", random)
    shop.events.sort(key=lambda event: event.at_ms)
    return shop


def _live(shop: Shop, customer: str, random: np.random.Generator) -> None:
    gap_days = float(random.lognormal(np.log(40), 0.7))
    leaves_day = DAYS if random.random() < 0.45 else float(random.uniform(60, DAYS))
    size = float(random.lognormal(np.log(45), 0.5))
    day = float(random.uniform(0, DAYS - 1))
    order, at_ms = 0, START_MS
    while day < min(leaves_day, DAYS) or order == 0:
        at_ms = START_MS + int(day * DAY_MS)
        _order(shop, customer, order, at_ms, round(size * float(random.lognormal(0, 0.3)), 2), random)
        for _ in range(int(random.poisson(1))):
            seen_ms = at_ms + int(random.uniform(0, 10) * DAY_MS)
            if seen_ms < END_MS:
                shop.tell(EventType.CLICK, customer, seen_ms, "product_viewed")
        order += 1
        day += max(float(random.gamma(3, gap_days / 3)), 0.5)
    if random.random() < 0.1:
        shop.tell(EventType.EMAIL, customer, at_ms + 3_600_000, "unsubscribed")


def _order(shop: Shop, customer: str, number: int, at_ms: int, amount: float, random: np.random.Generator) -> None:
    told = {"order_id": f"{customer}/{number}", "currency": "EUR"}
    fate = random.random()
    shop.tell(EventType.PURCHASE, customer, at_ms, "completed", amount=amount, **told)
    if fate < 0.04 and number > 0 and at_ms + 3_600_000 < END_MS:
        shop.tell(EventType.PURCHASE, customer, at_ms + 3_600_000, "cancelled", order_id=told["order_id"])
        return
    shop.row(customer, at_ms, amount, "order")
    if fate < 0.1 and at_ms + 5 * DAY_MS < END_MS:
        back = round(amount * 0.4, 2)
        shop.tell(EventType.PURCHASE, customer, at_ms + 5 * DAY_MS, "refunded", amount=back, **told)
        shop.row(customer, at_ms + 5 * DAY_MS, back, "refund")
    elif fate < 0.15 and at_ms + 60_000 < END_MS:
        shop.tell(EventType.PURCHASE, customer, at_ms + 60_000, "completed", amount=amount, **told)
