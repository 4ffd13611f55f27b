"""Times as people and their systems write them, as instants.

ISO 8601, seconds and milliseconds since the epoch, 31.05.2024 14:30, 5/31/2024 2:30 PM, 31 May 2024. A single cell does
not tell whether 05/06/2024 is a day in May or in June. A column mostly does, so look at all of it first (`DateOrders`),
then read its cells (`instant_of`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache

__all__ = ["DateOrder", "DateOrders", "epoch_seconds", "instant_of", "names_zone"]

#: A number from here on counts milliseconds, microseconds, nanoseconds. 1e11 seconds would be the year 5138.
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 1e11, 1e14, 1e17

_NUMBER = re.compile(r"[0-9]{9,}(?:\.[0-9]+)?")
_COMPACT = re.compile(r"(?:19|2[0-9])[0-9]{6}(?:[0-9]{6})?")
#: Also as in Czech and Hungarian: 5. 12. 2024, 2024. 12. 05.
_NUMERIC = re.compile(r"([0-9]{1,4})([./-])\s?([0-9]{1,2})\2\s?([0-9]{1,4})\.?(?:(?:\s*,\s*|\s+|T)(\S.*))?")
#: Zones that exports name, with their hours from UTC. Others are read as local behind words, and as no time in figures.
_ZONE_HOURS = {"UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "JST": 9, "AEST": 10, "AEDT": 11} | {
    f"{letter}{kind}": hours + (kind == "DT")
    for letter, hours in (("E", -5), ("C", -6), ("M", -7), ("P", -8))
    for kind in ("ST", "DT")
}
_CLOCK = re.compile(
    r"([0-9]{1,2})[:.h]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*([AaPp])?(?:\.?\s?[Mm]\.?)?\s*"
    rf"(Z|z|{'|'.join(_ZONE_HOURS)}|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?"
)
#: Behind a time, in figures or in words; `_CLOCK` and `_in_words` read what it finds.
_ZONE_AT_END = re.compile(
    rf":[0-9]{{2}}(?:[.,][0-9]+)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:[Zz]|(?:{'|'.join(_ZONE_HOURS)})"
    r"(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?|[+-][0-9]{1,2}(?::?[0-9]{2})?)(?:\s*\([^)]*\))?$",
)
_OFFSET = re.compile(r"\s+(?:(?:UTC|GMT)(?=[+-]))?([+-][0-9]{2}:?[0-9]{2})$|\s*(?:UTC|GMT)$")
#: JavaScript's "GMT+0100 (Central European Standard Time)", of which only the offset counts.
_NAMED_OFFSET = re.compile(r"(?:(?:UTC|GMT)\s*)?([+-][0-9]{1,2}:?(?:[0-9]{2})?)(?:\s*\([^)]*\))?$")
_YEAR_DIGITS = 4
_MONTHS = 12
_NOON = 12
#: Two digits below this are of this century, as POSIX says.
_CENTURY_PIVOT = 69


class DateOrder(StrEnum):
    """Which of the first two numbers of a date is the day."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def epoch_seconds(number: float) -> float:
    """Seconds since the epoch of a `number` that may count milliseconds, microseconds or nanoseconds: its size tells.

    >>> epoch_seconds(1772359200), epoch_seconds(1772359200000), epoch_seconds(1772359200000000)
    (1772359200, 1772359200.0, 1772359200.0)
    """
    if number < _MILLISECONDS:
        return number
    if number < _MICROSECONDS:
        return number / 1e3
    return number / (1e6 if number < _NANOSECONDS else 1e9)


def instant_of(cell: str, zone: tzinfo, order: DateOrder | None = None) -> datetime:
    """Return the instant that `cell` is, in UTC. A time without an offset is local to `zone`, a date begins its day.

    A time that comes twice, when clocks go back, is the first. Raises ValueError that says what was expected, also
    for a date that is in doubt while `order` is None.

    >>> instant_of("2024-05-31 14:30", UTC) == instant_of("1717165800000", UTC) == instant_of("31.05.2024 14:30", UTC)
    True
    >>> instant_of("5/6/2024 2:30 PM", UTC, DateOrder.MONTH_FIRST).isoformat()
    '2024-05-06T14:30:00+00:00'
    """
    text = cell.strip()
    try:
        at = _parsed(text, order)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{text!r} is no time: {error}") from error


def _parsed(text: str, order: DateOrder | None) -> datetime:
    if text.isascii() and text[:9].isdigit():
        if _COMPACT.fullmatch(text):
            return _at_clock(
                _date(text[:4], text[4:6], text[6:8], None, text),
                f"{text[8:10] or 0}:{text[10:12] or '00'}:{text[12:] or '00'}",
                text,
            )
        if _NUMBER.fullmatch(text):
            return datetime.fromtimestamp(epoch_seconds(float(text)), UTC)
    if len(text) >= len("2024-05-31") and text[:_YEAR_DIGITS].isdigit() and text[_YEAR_DIGITS] == "-":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # 2024-05-31 14:30:00 +0200, 2024-5-31, 2024-05-31 2:30 PM
        try:
            return datetime.fromisoformat(_OFFSET.sub(lambda found: found[1] or "+00:00", text))
        except ValueError:
            pass
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return _in_words(text)
    day = _date(found[1], found[3], found[4], order, text)
    return day if found[5] is None else _at_clock(day, found[5], text)


def _date(first: str, second: str, third: str, order: DateOrder | None, text: str) -> datetime:
    if len(first) == _YEAR_DIGITS:
        year, month, day = int(first), int(second), int(third)
    else:
        shown = _order_of(int(first), int(second)) or order
        if shown is None:
            raise ValueError(f"{text!r} may be day/month or month/day")
        day, month = (int(first), int(second)) if shown is DateOrder.DAY_FIRST else (int(second), int(first))
        year = int(third) if len(third) == _YEAR_DIGITS else _full_year(third, text)
    try:
        return datetime.combine(date(year, month, day), time())
    except ValueError as error:
        raise ValueError(f"{text!r} is no date: {error}") from error


def _full_year(digits: str, text: str) -> int:
    if len(digits) != len("24"):
        raise ValueError(f"{text!r} is no date: expected a year of two or four digits")
    return int(digits) + (2000 if int(digits) < _CENTURY_PIVOT else 1900)


def _order_of(first: int, second: int) -> DateOrder | None:
    if first > _MONTHS:
        return DateOrder.DAY_FIRST
    if second > _MONTHS:
        return DateOrder.MONTH_FIRST
    return DateOrder.DAY_FIRST if first == second else None


def _at_clock(day: datetime, clock: str, text: str) -> datetime:
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: expected hours and minutes, got {clock!r}")
    hour, minute, second, fraction, half, offset = found.groups()
    hours = int(hour)
    if half:
        if not 1 <= hours <= _NOON:
            raise ValueError(f"{text!r} is no time: {hours} o'clock is in no half of a day")
        hours = hours % _NOON + (_NOON if half in "Pp" else 0)
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        at = day.replace(hour=hours, minute=int(minute), second=int(second or 0), microsecond=microsecond)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: {error}") from error
    return at.replace(tzinfo=_zone_of(offset)) if offset else at


def names_zone(text: str) -> bool:
    """Whether a time of day says itself how far it is from UTC; others are local.

    >>> [names_zone(cell) for cell in ("2024-05-31 14:30:00 PDT", "31.05.2024 14:30+02:00", "2024-05-31 14:30:00")]
    [True, True, False]
    """
    return bool(_ZONE_AT_END.search(text))


def _zone_of(offset: str) -> tzinfo:
    if offset[0] not in "+-":
        return timezone(timedelta(hours=_ZONE_HOURS.get(offset, 0)))
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _named_zone(name: str | None, offset_s: int | None) -> tzinfo | None:
    """The zone behind a time in words, None for a name that is not known."""
    if offset_s is not None:
        return timezone(timedelta(seconds=offset_s))
    hours = _ZONE_HOURS.get((name or "").upper())
    return None if hours is None else timezone(timedelta(hours=hours))


#: Two days that have no part in common: what comes out of both was said.
_DEFAULTS = (datetime(1904, 1, 1), datetime(1911, 12, 31))  # noqa: DTZ001 - the caller knows the zone


@lru_cache(maxsize=4096)
def _in_words(text: str) -> datetime:
    """31 May 2024, May 31, 2024 2:30 PM, Fri, 31 May 2024 14:30:00 +0200: there the month is a word."""
    # hardly anybody writes so, and commands that read no such time are to be quick
    from dateutil import parser as words  # type: ignore[import-untyped]  # noqa: PLC0415  # dateutil ships no types

    expected = f"expected a time such as 2024-05-31 14:30:00, got {text!r}"
    if not any(map(str.isalpha, text)) or not any(map(str.isdigit, text)):
        raise ValueError(expected)
    # dateutil takes "GMT+1" for what POSIX means by it, an hour behind
    text = _NAMED_OFFSET.sub(r"\1", text)
    try:
        first, second = (words.parse(text, default=default, tzinfos=_named_zone) for default in _DEFAULTS)
    except (ValueError, OverflowError, TypeError) as error:
        raise ValueError(expected) from error
    if first != second or not isinstance(first, datetime):
        raise ValueError(f"{expected}: day, month and year are needed")
    return first


@dataclass(slots=True)
class DateOrders:
    """What the dates of a column show.

    >>> DateOrders.of(["05/06/2024", "31/05/2024"]).order
    <DateOrder.DAY_FIRST: 'dmy'>
    >>> DateOrders.of(["05/06/2024"]).doubtful
    '05/06/2024'
    """

    counts: dict[DateOrder, int] = field(default_factory=lambda: dict.fromkeys(DateOrder, 0))
    doubtful: str | None = None

    @classmethod
    def of(cls, cells: Iterable[str]) -> "DateOrders":
        orders = cls()
        for cell in cells:
            orders.see(cell)
        return orders

    def see(self, cell: str) -> None:
        """Take `cell` into account."""
        if cell[_YEAR_DIGITS : _YEAR_DIGITS + 1] == "-":
            return
        found = _NUMERIC.fullmatch(cell.strip())
        if found is None or len(found[1]) == _YEAR_DIGITS:
            return
        first, second = int(found[1]), int(found[3])
        if first == second:
            return
        if shown := _order_of(first, second):
            self.counts[shown] += 1
        elif self.doubtful is None:
            self.doubtful = cell.strip()

    @property
    def mixed(self) -> bool:
        """Whether some cells show one order and some the other."""
        return all(self.counts.values())

    @property
    def order(self) -> DateOrder | None:
        """The order of the column; None if no cell tells, or cells contradict each other.

        Nobody writes the month first with points: 03.02.2025 is in February, if no cell of the column says otherwise.

        >>> DateOrders.of(["03.02.2025"]).order, DateOrders.of(["03.02.2025", "03.31.2025"]).order
        (<DateOrder.DAY_FIRST: 'dmy'>, <DateOrder.MONTH_FIRST: 'mdy'>)
        """
        shown = [order for order, count in self.counts.items() if count]
        if not shown and self.doubtful is not None and "." in self.doubtful:
            return DateOrder.DAY_FIRST
        return shown[0] if len(shown) == 1 else None
