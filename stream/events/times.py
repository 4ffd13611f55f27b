"""Conversions between the contract's instants and the core's milliseconds since the epoch, UTC."""

from datetime import UTC, datetime, timedelta

__all__ = ["epoch_ms", "instant", "rfc3339"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_ms(at: datetime | float) -> int:
    """Return an aware datetime, or seconds since the epoch, as the nearest millisecond.

    >>> epoch_ms(1704067200.25) == epoch_ms(datetime(2024, 1, 1, microsecond=250_000, tzinfo=UTC))
    True
    """
    return round((at.timestamp() if isinstance(at, datetime) else at) * 1000)


def instant(at_ms: int) -> datetime:
    """Return the UTC datetime of `at_ms`, exactly.

    >>> instant(1704067200250).isoformat()
    '2024-01-01T00:00:00.250000+00:00'
    """
    return EPOCH + timedelta(milliseconds=at_ms)


def rfc3339(at_ms: int) -> str:
    """Return `at_ms` as RFC 3339 with millisecond precision.

    >>> rfc3339(1704067200250)
    '2024-01-01T00:00:00.250Z'
    """
    return instant(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
