"""Options that several commands have: a time zone, and the decimal sign of amounts."""

from datetime import tzinfo
from typing import Final

import click

__all__ = ["DECIMALS", "Zone"]

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
