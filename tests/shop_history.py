"""The orders of a small shop over two years: made up, and the same every time."""

import random

from stream.events.kinds import EventKind
from tests.oracle.event import Event

__all__ = ["BEGIN", "DAY", "END", "shop_history"]

DAY = 86_400_000
#: 2023-01-01 and two years later.
BEGIN = 19_358 * DAY
END = BEGIN + 730 * DAY


def shop_history(seed: int = 1, *, customers: int = 420) -> list[tuple[str, Event]]:
    """About six orders of each customer, in the order of time.

    Customers come throughout the two years, order by a habit of their own of two weeks to three months, and a third
    of the orders is the last.
    """
    generator = random.Random(seed)
    log: list[tuple[str, Event]] = []
    for number in range(customers):
        name = f"customer-{number:04d}"
        at = BEGIN + generator.randrange(0, 640 * DAY)
        gap_days = generator.choice([14, 21, 30, 45, 60, 90])
        stays = generator.choice([0.6, 0.9, 0.95])
        for order in range(100):
            amount = generator.randrange(50_000, 2_000_000)
            log.append((name, Event(f"{name}-{order}", EventKind.ORDER_COMPLETED, at, f"{name}-{order}", amount)))
            at += int(gap_days * generator.lognormvariate(0, 0.4) * DAY)
            if at >= END or generator.random() > stays:
                break
    return sorted(log, key=lambda entry: entry[1].at)
