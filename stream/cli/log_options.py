"""Options of the commands that read an event log: what it leaves unsaid, and how much of it may be rejected."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import click

from stream.cli.parameters import DECIMALS, Zone
from stream.events.log_form import LineItems, LogForm
from stream.events.parsing_times import DateOrder

__all__ = ["DEFAULT_MAX_REJECTED", "LogOptions", "log_options"]

#: In per cent of the events of a log.
DEFAULT_MAX_REJECTED: Final = 1.0

_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How a log is read, the events of it that are used (None: all), and the per cent that may be rejected."""

    form: LogForm
    limit: int | None = None
    max_rejected: float = DEFAULT_MAX_REJECTED


def log_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--limit``, ``--max-rejected`` and the options of `LogForm`, as its argument ``options``."""

    @functools.wraps(function)
    def run(
        *args: Any,
        limit: int | None,
        max_rejected: float,
        timezone: tzinfo,
        currency: str,
        encoding: str | None,
        decimal: str | None,
        dates: str | None,
        line_items: str | None,
        **given: Any,
    ) -> Any:
        form = LogForm(
            timezone=timezone,
            currency=currency,
            encoding=encoding,
            decimal=None if decimal is None else DECIMALS[decimal],
            date_order=None if dates is None else DateOrder(dates),
            line_items=None if line_items is None else LineItems(line_items),
        )
        options = LogOptions(form=form, limit=limit, max_rejected=max_rejected)
        return function(*args, options=options, **given)

    for option in reversed(_options()):
        run = option(run)
    return run


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    return [
        click.option("--limit", type=click.IntRange(min=0), help="Use so many events only, the earliest."),
        click.option(
            "--max-rejected",
            type=click.FloatRange(min=0, max=_PERCENT),
            default=DEFAULT_MAX_REJECTED,
            show_default=True,
            metavar="PERCENT",
            help="Exit with status 1 if more events than this are rejected.",
        ),
        click.option(
            "--timezone",
            type=Zone(),
            default="UTC",
            show_default=True,
            help="Of times without an offset (CSV).",
        ),
        click.option("--currency", default="USD", show_default=True, help="Of amounts without a currency (CSV)."),
        click.option("--encoding", metavar="NAME", help="Of the file. [told from its bytes]"),
        click.option("--decimal", type=click.Choice([*DECIMALS]), help="Sign in amounts (CSV). [told from the column]"),
        click.option(
            "--dates",
            type=click.Choice([order.value for order in DateOrder]),
            help="Order of dates such as 05/06/2024 (CSV). [told from the column]",
        ),
        click.option(
            "--line-items",
            type=click.Choice([amounts.value for amounts in LineItems]),
            help="Rows of one order (CSV): sum, they are its items; first, each is all of it. [told from the file]",
        ),
    ]
