"""Money, dates and shares as people write them, by locale (Unicode CLDR, through Babel)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

from stream.errors import SettingsError
from stream.events.times import instant
from stream.features.registry import DAY_MS
from stream.projections.shop_time import shop_zone
from stream.settings import Settings

__all__ = ["Writing"]


#: Unicode's data asks for a blank between the letters of a currency and a figure; Babel leaves it out.
_NO_BLANK: Final = re.compile(r"(?<=[^\W\d_])(?=[0-9])")


def _apart(money: str) -> str:
    return _NO_BLANK.sub("\u00a0", money)


@dataclass(frozen=True, slots=True)
class Writing:
    r"""How figures are written for one shop. ``currency``: ISO 4217, empty where it is not known.

    Raises `SettingsError` for a locale that is none.

    >>> writing = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
    >>> writing.money(1234.5), writing.about(1234.5), writing.percent(0.746)
    ('€1,234.50', '€1,234', '75%')
    >>> replace(writing, currency="CHF").money(-1234.5)  # the blank does not break
    '-CHF\xa01,234.50'
    >>> writing.long_date(1_700_000_000_000), writing.day_of(1_700_000_000_000).isoformat()
    ('14 November 2023', '2023-11-14')
    >>> writing.moment(1_700_000_000_000)
    '14 November 2023, 23:13'
    """

    locale: str
    currency: str
    zone: ZoneInfo
    _locale: Locale = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_locale", Locale.parse(self.locale.replace("-", "_")))
        except (UnknownLocaleError, ValueError) as error:
            raise SettingsError(
                f"shop_locale={self.locale}: no such locale; write one such as en_GB or de_DE"
            ) from error

    @classmethod
    def of(cls, settings: Settings, usual_currency: Callable[[], str] = lambda: "") -> Writing:
        """As the settings say; ``usual_currency`` is asked where they do not name one. Raises `SettingsError`."""
        zone = shop_zone(settings)
        base = next((currency for currency, rate in settings.rates.items() if rate == 1), "")
        return cls(settings.shop_locale, settings.shop_currency or base or usual_currency(), zone)

    @property
    def language(self) -> str:
        """The code of the shop's language (ISO 639)."""
        return self._locale.language

    def in_language(self, language: str, locale: str) -> Writing:
        """For readers of a language: as the shop writes if that is its language, else by ``locale``.

        >>> shop = Writing("de_AT", "EUR", ZoneInfo("Europe/Vienna"))
        >>> shop.in_language("de", "de_DE").locale, shop.in_language("en", "en_GB").money(2.5)
        ('de_AT', '€2.50')
        """
        return self if self._locale.language == language else replace(self, locale=locale)

    def money(self, amount: float) -> str:
        """An amount to the cent."""
        if not self.currency:
            return format_decimal(round(amount, 2), format="#,##0.00", locale=self._locale)
        return _apart(format_currency(amount, self.currency, locale=self._locale))

    def about(self, amount: float) -> str:
        """An estimate or a large amount: without cents."""
        if not self.currency:
            return format_decimal(round(amount), locale=self._locale)
        pattern = self._locale.currency_formats["standard"].pattern.replace(".00", "")
        rounded = round(amount)
        return _apart(
            format_currency(rounded, self.currency, format=pattern, locale=self._locale, currency_digits=False)
        )

    def short(self, amount: float) -> str:
        """An amount for the axis of a chart."""
        if not self.currency:
            return format_decimal(round(amount), locale=self._locale)
        return _apart(format_compact_currency(amount, self.currency, locale=self._locale, fraction_digits=0))

    def number(self, count: float, digits: int = 0) -> str:
        return format_decimal(round(count, digits) if digits else round(count), locale=self._locale)

    def percent(self, share: float) -> str:
        """A share without decimals."""
        return format_percent(share, locale=self._locale)

    def local(self, at_ms: int) -> datetime:
        """The shop's own time."""
        return instant(at_ms).astimezone(self.zone)

    def day_of(self, at_ms: int) -> date:
        return self.local(at_ms).date()

    def midnight_ms(self, day: date) -> int:
        """When a day of the shop begins (ms)."""
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000)

    def long_date(self, at_ms: int) -> str:
        """A day in full."""
        return format_date(self.day_of(at_ms), "long", locale=self._locale)

    def moment(self, at_ms: int) -> str:
        """A day in full and the time of day, to the minute."""
        return f"{self.long_date(at_ms)}, {format_time(self.local(at_ms).time(), 'short', locale=self._locale)}"

    def stamp(self, at_ms: int) -> str:
        """A day and the time of day, short, for columns.

        >>> Writing("de_DE", "EUR", ZoneInfo("UTC")).stamp(1_700_000_000_000)
        '14.11.2023, 22:13'
        """
        at = self.local(at_ms)
        time = format_time(at.time(), "short", locale=self._locale)
        pattern = str(get_datetime_format("medium", locale=self._locale))
        return pattern.replace("{0}", time).replace("{1}", self.medium_day(at.date()))

    def medium_day(self, day: date) -> str:
        """A day, short, with the year."""
        return format_date(day, "medium", locale=self._locale)

    def weekday(self, at_ms: int) -> str:
        """A day in full, with its name."""
        return format_date(self.day_of(at_ms), "full", locale=self._locale)

    def short_date(self, at_ms: int, now_ms: int) -> str:
        """A day without the year where that is this one, or not long ago or to come."""
        skeleton = "MMMd" if abs(now_ms - at_ms) < 300 * DAY_MS else "yMMMd"
        return format_skeleton(skeleton, self.day_of(at_ms), locale=self._locale)

    def month(self, day: date) -> str:
        return format_skeleton("yMMM", day, locale=self._locale)

    def axis_day(self, day: date, *, weekly: bool) -> str:
        """A label of a chart: the day on which a week begins, or the month, with the year below."""
        if weekly:
            return format_skeleton("MMMd", day, locale=self._locale)
        month = format_skeleton("MMM", day, locale=self._locale)
        return f"{month}\n{format_skeleton('y', day, locale=self._locale)}"
