"""Clicks to publish, and a broker that nobody runs."""

from datetime import UTC, datetime

from stream.client import (
    ClickEvent,
)
from stream.settings import Settings

__all__ = ["ABSENT", "AT", "AT_MS", "click"]

AT = datetime(2024, 5, 31, 12, 30, tzinfo=UTC)
AT_MS = 1_717_158_600_000
ABSENT = Settings(kafka_bootstrap="127.0.0.1:1")


def click(number: int = 1, customer: str = "c-1") -> ClickEvent:
    return ClickEvent(event_id=f"e-{number}", customer_id=customer, occurred_at=AT, name="product_viewed")
