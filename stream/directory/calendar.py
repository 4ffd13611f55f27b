"""Months and weeks of the shop."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from stream.events.times import instant

__all__ = ["Grain", "begin_of", "next_begin", "period_of"]


class Grain(StrEnum):
    """How long a period is. A week begins on Monday."""

    MONTH = "month"
    WEEK = "week"


def begin_of(grain: Grain, day: date) -> date:
    """The first day of the period in which ``day`` is.

    >>> begin_of(Grain.MONTH, date(2026, 2, 28)).isoformat(), begin_of(Grain.WEEK, date(2026, 3, 1)).isoformat()
    ('2026-02-01', '2026-02-23')
    """
    return day.replace(day=1) if grain is Grain.MONTH else day - timedelta(days=day.weekday())


def next_begin(grain: Grain, begin: date) -> date:
    """The first day of the period after the one that begins on ``begin``.

    >>> next_begin(Grain.MONTH, date(2026, 12, 1)).isoformat(), next_begin(Grain.WEEK, date(2026, 2, 23)).isoformat()
    ('2027-01-01', '2026-03-02')
    """
    return begin_of(grain, begin + timedelta(days=32 if grain is Grain.MONTH else 7))


@lru_cache(maxsize=50_000)
def period_of(grain: Grain, at_ms: int, zone: ZoneInfo) -> str:
    """The first day, ISO 8601, of the period in which a moment is by the clock of the shop.

    >>> period_of(Grain.MONTH, 1_767_225_599_000, ZoneInfo("Europe/Berlin"))  # 2025-12-31T23:59:59Z
    '2026-01-01'
    """
    return begin_of(grain, instant(at_ms).astimezone(zone).date()).isoformat()
