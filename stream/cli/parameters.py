"""Options as people write them: a day, a time zone, a currency, the decimal sign of amounts, what separates cells."""

from datetime import datetime, tzinfo
from typing import Final

import click

__all__ = ["DECIMALS", "CalendarDay", "Currency", "Separator", "Zone"]

DECIMALS: Final = {"point": ".", "comma": ","}


class Zone(click.ParamType):
    """The name of a time zone: IANA's, or one that Square writes."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        from stream.imports.days import zone_of

        found = zone_of(str(value))
        if found is None:
            self.fail(f"{value!r} is not a time zone; expected a name such as Europe/London", param, ctx)
        return found


class CalendarDay(click.ParamType):
    """A day as in ISO 8601; its midnight, without a zone."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d")  # noqa: DTZ007 - the command knows the zone
        except ValueError:
            self.fail(f"{value!r} is not a day; expected one such as 2026-01-31", param, ctx)


class Currency(click.ParamType):
    """The code of a currency."""

    name = "code"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from stream.imports.currencies import CURRENCIES

        code = str(value).upper()
        if code and code not in CURRENCIES:
            self.fail(f"{value!r} is not a currency; expected a code such as EUR", param, ctx)
        return code


class Separator(click.ParamType):
    r"""The character that separates cells; ``\t`` is the tab."""

    name = "character"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        sign = str(value).replace("\\t", "\t")
        if len(sign) > 1 or sign in ('"', "\n", "\r"):
            self.fail(f"{value!r} is not one character; expected one such as ; or \\t", param, ctx)
        return sign
