"""Times in exports: what `stream.events.parsing_times` reads, months in other languages, and Excel's day numbers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from stream.events.parsing_times import DateOrder, instant_of

__all__ = ["in_figures", "is_excel_day", "read_time", "zone_of"]

#: Without Croatian, whose "listopad" is October and not November as in Polish and Czech.
_LANGUAGES: Final = (
    *("de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "hu", "tr", "ru", "uk", "ro", "sk"),
    *("el", "sl", "et", "lv", "lt", "bg", "id", "ca", "is"),
)
_ENGLISH: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORD: Final = re.compile(r"[^\W\d_]+\.?")
_FILLERS: Final = frozenset(
    {"de", "del", "di", "of", "um", "kl", "à", "a", "alle", "uhr", "klo", "om", "at", "\u0433", "hs", "hrs", "uur"}
)
#: Day 0 of Excel's calendar, whose days are numbered as if 1900 had been a leap year.
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - the caller knows the zone
_EXCEL_DAY: Final = re.compile(r"[1-9][0-9]{4}(?:\.[0-9]+)?")
#: In other files such a number is a day if it is one of 1954 to 2118: Excel writes it where a column has no format.
_LIKELY_DAY: Final = re.compile(r"[2-7][0-9]{4}(?:\.[0-9]+)?")

#: As they are written in China, Japan and Korea.
_EASTERN_DAY: Final = re.compile(r"([0-9]{4})\s*[年년]\s*([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日일]")
_EASTERN_CLOCK: Final = re.compile(r"([0-9]{1,2})\s*[时時点시]\s*([0-9]{1,2})\s*[分분](?:\s*([0-9]{1,2})\s*[秒초])?")
_EASTERN_HALF: Final = re.compile(r"(上午|午前|오전|下午|午後|오후)\s*([0-9:]+)")
_EASTERN_WEEKDAY: Final = re.compile(
    r"[(\uff08][月火水木金土日월화수목금토일][)\uff09]|(?:星期|周|週|礼拜)[一二三四五六日天]|[월화수목금토일]요일"
)
_REIWA: Final = re.compile(r"令和\s*([0-9]{1,2}|元)\s*年")
_REIWA_BEGAN: Final = 2019
_MORNING: Final = frozenset({"上午", "午前", "오전"})

#: Rails' names, which Square writes; and what people write.
_ZONES: Final = MappingProxyType(
    {
        "eastern time us canada": "America/New_York",
        "central time us canada": "America/Chicago",
        "mountain time us canada": "America/Denver",
        "pacific time us canada": "America/Los_Angeles",
        "arizona": "America/Phoenix",
        "alaska": "America/Anchorage",
        "hawaii": "Pacific/Honolulu",
        "london": "Europe/London",
        "dublin": "Europe/Dublin",
        "paris": "Europe/Paris",
        "madrid": "Europe/Madrid",
        "tokyo": "Asia/Tokyo",
        "sydney": "Australia/Sydney",
        "melbourne": "Australia/Melbourne",
        "brisbane": "Australia/Brisbane",
        "adelaide": "Australia/Adelaide",
        "perth": "Australia/Perth",
        **dict.fromkeys(("est", "edt"), "America/New_York"),
        **dict.fromkeys(("cst", "cdt"), "America/Chicago"),
        **dict.fromkeys(("mst", "mdt"), "America/Denver"),
        **dict.fromkeys(("pst", "pdt"), "America/Los_Angeles"),
        **dict.fromkeys(("cet", "cest"), "Europe/Berlin"),
        **dict.fromkeys(("aest", "aedt"), "Australia/Sydney"),
        "bst": "Europe/London",
        "jst": "Asia/Tokyo",
    }
)


def _months() -> Mapping[str, str]:
    """The names of months in several languages -> English. Names that mean two months in two languages are left out."""
    found: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        of_locale = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in of_locale[context][width].items():
                    if name.isalpha() or name[:-1].isalpha():
                        found.setdefault(name.casefold().rstrip("."), set()).add(_ENGLISH[int(number) - 1])
    return {name: next(iter(months)) for name, months in found.items() if len(months) == 1}


_MONTHS: Final = MappingProxyType(_months())
#: The names of days of the week, which say nothing that the date does not.
_WEEKDAYS: Final = frozenset(
    name.casefold().rstrip(".")
    for language in ("en", *_LANGUAGES)
    for width in ("wide", "abbreviated")
    for context in ("format", "stand-alone")
    for name in Locale.parse(language).days[context][width].values()
)
#: A word before a whole date. "Mar 5, 2024" is none: in French "mar." is a day as well.
_FIRST_WORD: Final = re.compile(
    r"([^\W\d_]+)\.?,?\s+(?=[0-9]{1,4}[./-]\s?[0-9]{1,2}[./-]|[0-9]{1,2}\.?\s+(?:de\s+)?[^\W\d_])"
)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name, None if there is none: IANA's names, and those that Square writes.

    >>> zone_of("Eastern Time (US & Canada)")
    zoneinfo.ZoneInfo(key='America/New_York')
    """
    known = _ZONES.get(re.sub(r"\W+", " ", name).strip().casefold())
    try:
        return ZoneInfo(known or name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=65_536)
def read_time(cell: str, zone: tzinfo, order: DateOrder | None, *, is_workbook: bool = False) -> int:
    """The time in `cell`, in ms since the epoch; local to `zone` where it has no offset. A date begins its day.

    A number of five digits is a day of Excel's calendar, ``is_workbook``: any such number. Raises ValueError with what
    was expected.

    >>> read_time("5. März 2024", UTC, None) == read_time("45356", UTC, None) == 1709596800000
    True
    >>> read_time("2024年3月5日 00:00", UTC, None) == 1709596800000
    True
    """
    if is_excel_day(cell, is_workbook=is_workbook):
        at = (_EXCEL_EPOCH + timedelta(days=float(cell))).replace(tzinfo=zone).astimezone(UTC)
        return round(at.timestamp()) * 1000
    cell = in_figures(cell)
    try:
        at = instant_of(cell, zone, order)
    except ValueError:
        in_english = _in_english(cell)
        if in_english == cell:
            raise
        at = instant_of(in_english, zone, order)
    return round(at.timestamp() * 1000)


@lru_cache(maxsize=65_536)
def in_figures(cell: str) -> str:
    """`cell` without the day of the week before a date, and with figures for what is written so in China and Japan.

    >>> in_figures("Fr., 05.12.2025"), in_figures("2025年12月5日(金) 下午3时20分"), in_figures("令和7年12月5日")
    ('05.12.2025', '2025-12-5 03:20:00 PM', '2025-12-5')
    """
    if (first := _FIRST_WORD.match(cell)) and first[1].casefold() in _WEEKDAYS:
        cell = cell[first.end() :]
    if cell.isascii():
        return cell
    cell = _EASTERN_WEEKDAY.sub(" ", cell)
    cell = _REIWA.sub(lambda era: f"{_REIWA_BEGAN - 1 + (1 if era[1] == '元' else int(era[1]))}年", cell)
    cell = _EASTERN_CLOCK.sub(lambda at: ":".join(part.zfill(2) for part in at.groups("00")), cell)
    cell = _EASTERN_HALF.sub(lambda at: f" {at[2]} {'AM' if at[1] in _MORNING else 'PM'}", cell)
    return " ".join(_EASTERN_DAY.sub(r"\1-\2-\3 ", cell).split())


def is_excel_day(cell: str, *, is_workbook: bool = False) -> bool:
    """Whether a cell of dates is the number of a day of Excel's calendar, with the time of day as a fraction."""
    return bool((_EXCEL_DAY if is_workbook else _LIKELY_DAY).fullmatch(cell))


def _in_english(cell: str) -> str:
    """`cell` with its month in English, without words such as "de" and the point behind the day."""

    def replaced(word: re.Match[str]) -> str:
        name = word[0].casefold().rstrip(".")
        if name in _FILLERS:
            return " "
        return _MONTHS.get(name, word[0])

    text = re.sub(r"(?<=\d)\.(?=\s)", " ", cell)
    # eBay writes Jan-05-24
    return " ".join(_WORD.sub(replaced, re.sub(r"(?<=[^\W\d_])-|-(?=[^\W\d_])", " ", text)).split())
