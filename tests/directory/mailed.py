"""Made-up mails of campaigns to the customers of a shop."""

import json
from collections.abc import Iterable

import numpy as np

from stream.events.kinds import EventType
from stream.events.log_event import LogEvent

__all__ = ["CAMPAIGNS", "mailed"]

DAY_MS = 86_400_000
CAMPAIGNS = ("spring", "autumn", "welcome", "<b>sale</b>")


def mailed(events: Iterable[LogEvent], seed: int = 17, share: float = 0.5) -> list[LogEvent]:
    """Mails some days before or after events, so that some orders follow; with events of no campaign among them.

    A mail may be told only by its opening, be opened by a machine, be sent twice, or be told late.
    """
    random = np.random.default_rng(seed)
    found: list[LogEvent] = []

    def tell(customer: str, at_ms: int, name: str, **more: object) -> None:
        value = {"event_id": f"m-{len(found)}", "customer_id": customer, "occurred_at": at_ms / 1000, "name": name}
        found.append(LogEvent(EventType.EMAIL, customer, at_ms, json.dumps({**value, **more}).encode()))

    for event in events:
        if random.random() > share:
            continue
        at_ms = event.at_ms - int(random.uniform(-3, 10) * DAY_MS)
        campaign = {"campaign_id": CAMPAIGNS[int(random.integers(len(CAMPAIGNS)))]} if random.random() < 0.9 else {}
        if random.random() < 0.8:
            tell(event.customer_id, at_ms, "sent" if random.random() < 0.7 else "delivered", **campaign)
        if random.random() < 0.4:
            by_machine = bool(random.random() < 0.3)
            tell(event.customer_id, at_ms + 3_600_000, "opened", machine_open=by_machine, **campaign)
        if random.random() < 0.2:
            tell(event.customer_id, at_ms + 7_200_000, "clicked", **campaign)
    return found
