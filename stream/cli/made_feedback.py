"""Feedback and visits that a demo makes up: the bundled log has none, and half of the screens would be empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from zlib import crc32

import orjson

from stream.events.kept_bytes import kept
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.features.registry import DAY_MS, HOUR_MS

__all__ = ["made_feedback"]

#: One order in so many is followed by feedback.
_ORDERS: Final = 40
#: Of as many orders so many are followed by a survey that nobody answers.
_UNANSWERED: Final = 2
_CHANNELS: Final = ("web", "email", "phone", "store")
#: What people write, with what it is about.
_GOOD: Final = (
    ("Fresh vegetables and friendly staff, thank you.", "staff"),
    ("Fast delivery, everything was packed well.", "delivery"),
    ("Great prices this week, we will come again.", "prices"),
    ("The new bread is delicious.", "quality"),
)
_FAIR: Final = (
    ("Fine, but the queue at the checkout was long.", "staff"),
    ("The delivery came, one item was missing.", "delivery"),
    ("Good quality, a bit expensive.", "prices"),
)
_BAD: Final = (
    ("The delivery was two hours late and the milk was warm.", "delivery"),
    ("Half of the strawberries were rotten.", "quality"),
    ("The coupon was not accepted at the checkout.", "payment"),
    ("I was charged twice and nobody answers the phone.", "payment"),
)
#: Of so many texts people say what they are about.
_FILED: Final = 0.3
#: One order in so many is followed by something beside the site: in the store, on the phone or in a social network.
_CONTACTS: Final = 60
_BESIDE: Final = ("visited", "visited", "visited", "called", "called", "chatted", "liked", "mentioned")


def made_feedback(log: Iterable[LogEvent]) -> list[LogEvent]:
    """Feedback on some of the orders of ``log``, and contacts, in time order; the same log gives the same ones.

    Each customer has a mood of their own. One feedback in six is a complaint; most of them are resolved within a week.
    NPS answers a survey; most of those who are asked do not answer.
    """
    made = [feedback for event in log if event.event_type is EventType.PURCHASE for feedback in _after(event)]
    return sorted(made, key=lambda event: (event.at_ms, event.customer_id, event.value))


def _after(order: LogEvent) -> Iterator[LogEvent]:
    number = crc32(f"{order.customer_id} {order.at_ms}".encode()) % _ORDERS
    if crc32(f"{order.at_ms} {order.customer_id}".encode()) % _CONTACTS == 0:
        yield _beside(order)
    if number == 0:
        yield from _on(order)
    elif number <= _UNANSWERED:
        yield _asked(order)


def _beside(order: LogEvent) -> LogEvent:
    random = Random(crc32(order.value) + 1)  # noqa: S311
    content = {"name": random.choice(_BESIDE), "customer_id": order.customer_id}
    at_ms = order.at_ms + random.randrange(2 * HOUR_MS, 6 * DAY_MS)
    return _event(at_ms, f"i-{order.customer_id}-{order.at_ms}", content, EventType.INTERACTION)


def _asked(order: LogEvent) -> LogEvent:
    """The shop asks how likely the customer is to recommend it, by e-mail."""
    content = {"name": "asked", "survey_id": _survey_of(order), "channel": "email", "customer_id": order.customer_id}
    return _event(order.at_ms + HOUR_MS, f"a-{order.customer_id}-{crc32(order.value)}", content)


def _survey_of(order: LogEvent) -> str:
    return f"nps-{datetime.fromtimestamp(order.at_ms / 1000, UTC):%Y-%m}"


def _on(order: LogEvent) -> Iterator[LogEvent]:
    random = Random(crc32(order.value))  # noqa: S311 - made up, and the same each time
    mood = Random(crc32(order.customer_id.encode())).betavariate(4, 2)  # noqa: S311
    number = f"{order.customer_id}-{order.at_ms}"
    common: dict[str, Any] = {"customer_id": order.customer_id, "channel": random.choice(_CHANNELS)}
    at_ms = order.at_ms + random.randrange(4 * HOUR_MS, 4 * DAY_MS)
    if random.random() < (1.0 - mood) / 2:
        text, about = random.choice(_BAD)
        content = {"name": "complained", "text": text, "ticket_id": f"t-{number}"}
        yield _event(at_ms, f"f-{number}", common | content)
        if random.random() < 0.8:  # noqa: PLR2004
            resolved = {"name": "resolved", "ticket_id": f"t-{number}", "category": about}
            yield _event(at_ms + random.randrange(4 * HOUR_MS, 7 * DAY_MS), f"r-{number}", common | resolved)
        return
    score = min(max(random.gauss(mood, 0.2), 0.0), 1.0)
    text, about = random.choice(_GOOD if score > 0.7 else _FAIR if score > 0.4 else _BAD)  # noqa: PLR2004
    scale, value = random.choice((("stars", 1 + round(4 * score)), ("nps", round(10 * score))))
    said = {"text": text} if random.random() < 0.5 else {}  # noqa: PLR2004
    if said and random.random() < _FILED:
        said["category"] = about
    if scale == "nps":
        yield _asked(order)
        said["survey_id"] = _survey_of(order)
    yield _event(at_ms, f"f-{number}", common | {"name": "rated", "scale": scale, "value": value} | said)


def _event(at_ms: int, event_id: str, content: dict[str, Any], event_type: EventType = EventType.FEEDBACK) -> LogEvent:
    body = {"event_id": event_id, "occurred_at": at_ms / 1000, **content}
    return LogEvent(event_type, content["customer_id"], at_ms, kept(orjson.dumps(body)))
