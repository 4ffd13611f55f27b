"""The log that ``stream whatif`` replays, and what happened in it."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence

from stream.events.decode import Decoded, Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import OrderBook
from stream.settings import Settings
from stream.whatif.comparison import WhatHappened

__all__ = ["until_day", "what_happened"]


def until_day(events: Sequence[LogEvent], midnight_ms: int) -> Sequence[LogEvent]:
    """Those before a midnight, so that what they teach is learned once a day and not with every event.

    All of them where none is before it.
    """
    return events[: bisect_left(events, midnight_ms, key=lambda event: event.at_ms)] or events


def what_happened(
    events: Sequence[LogEvent], settings: Settings, now_ms: int, contacts: Iterable[tuple[str, int]] = ()
) -> WhatHappened:
    """Orders and contacts of ``events``; mails that were sent are contacts, beside those that are given."""
    decoder = Decoder.of(settings, in_clear=True)
    purchases = _decoded(decoder, EventType.PURCHASE, events, now_ms)
    book = OrderBook()
    book.add(purchases.customer_ids, purchases.events)
    touched: dict[str, list[int]] = defaultdict(list)
    mails = _decoded(decoder, EventType.EMAIL, events, now_ms)
    for mail, at_ms in zip(mails.contents, mails.events["time"].tolist(), strict=True):
        if mail.name == "sent":
            touched[mail.customer_id].append(at_ms)
    for customer, at_ms in contacts:
        insort(touched[customer], at_ms)
    return WhatHappened(
        orders={
            customer: [purchase.at_ms for purchase in found if purchase.is_order]
            for customer, found in book.purchases().items()
        },
        contacts=touched,
        begin_ms=events[0].at_ms,
        end_ms=events[-1].at_ms,
    )


def _decoded(decoder: Decoder, event_type: EventType, events: Sequence[LogEvent], now_ms: int) -> Decoded:
    chosen = [event for event in events if event.event_type is event_type]
    return decoder.decode(event_type, [LogRecord.of(event, now_ms, k) for k, event in enumerate(chosen)])
