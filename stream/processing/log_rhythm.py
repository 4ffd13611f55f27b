"""The rhythm of an event log: what a horizon that follows the shop is, for commands that have the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import OrderBook
from stream.online_models.horizon import Rhythm
from stream.online_models.rhythm_history import rhythm_of_orders
from stream.settings import Settings

__all__ = ["rhythm_of_log", "with_horizon_of"]


def rhythm_of_log(events: Sequence[LogEvent], decoder: Decoder, now_ms: int) -> Rhythm:
    """The rhythm of the orders in a log that were not cancelled, as of the newest event."""
    purchases = [event for event in events if event.event_type is EventType.PURCHASE]
    decoded = decoder.decode(
        EventType.PURCHASE, [LogRecord.of(event, now_ms, offset) for offset, event in enumerate(purchases)]
    )
    book = OrderBook()
    book.add(decoded.customer_ids, decoded.events)
    orders = [[purchase.at_ms for purchase in found if purchase.is_order] for found in book.purchases().values()]
    who = np.repeat(np.arange(len(orders)), [len(times) for times in orders])
    at = np.array([at_ms for times in orders for at_ms in times], np.int64)
    return rhythm_of_orders(who, at, max((event.at_ms for event in events), default=0))


def with_horizon_of(settings: Settings, rhythm: Rhythm) -> Settings:
    """The settings with the horizon of a rhythm, where they leave it to the shop."""
    return settings if settings.horizon_days > 0.0 else replace(settings, horizon_days=rhythm.horizon_days)
