"""Options of the commands that read an event log: what its times and amounts leave unsaid."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

__all__ = ["log_options"]


class _Zone(click.ParamType):
    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        try:
            return ZoneInfo(str(value))
        except (ZoneInfoNotFoundError, ValueError):
            self.fail(f"{value!r} is no time zone; expected a name such as Europe/London", param, ctx)


def log_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--limit``, ``--timezone`` and ``--currency``."""
    for option in (
        click.option("--currency", default="USD", show_default=True, help="Of amounts without a currency (CSV)."),
        click.option(
            "--timezone",
            type=_Zone(),
            default="UTC",
            show_default=True,
            help="Of times without an offset (CSV).",
        ),
        click.option("--limit", type=click.IntRange(min=0), help="Stop after so many events."),
    ):
        function = option(function)
    return function
