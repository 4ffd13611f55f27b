"""``stream today``: whom to contact today, and why."""

from datetime import datetime
from pathlib import Path

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.reach import Local
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["today"]

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=SettingsCommand)
@click.option("--csv", "as_csv", is_flag=True, help="The list as CSV, for a spreadsheet.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--html", type=_OUT, help="Write a page to this file, to read or print.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Length of the list.")
@click.option(
    "--as-of",
    type=CalendarDay(),
    metavar="DAY",
    help="Another day than today, such as 2026-01-31; not before the newest event.",
)
@with_settings("Redis", "Kafka", "Topics", "Labels", "Events", "Shop", "Privacy", local=Local.SERVERS)
def today(
    settings: Settings,
    *,
    as_csv: bool,
    as_json: bool,
    html: Path | None,
    limit: int,
    as_of: datetime | None,
) -> None:
    """Show whom to contact today and why: customers who can still be won, by the money at stake.

    A customer is at risk when they are silent for much longer than they usually are between two orders, and lost
    after three times as long. Everything is computed as of today; when the events end long ago, the day on which they
    end counts as today.
    """
    if as_csv + as_json + (html is not None) > 1:
        raise SettingsError("choose one of --csv, --json and --html")
    # Compiled code and models take seconds to import: only when a list is made.
    from stream.cli.console import console_for_people
    from stream.cli.list_files import csv_text, json_text
    from stream.cli.page_files import page_writer, write_page
    from stream.cli.shop_day import shop_day
    from stream.cli.today_view import today_view
    from stream.cli.unprocessed import say_unprocessed

    with shop_day(settings, as_of) as day:
        found = day.today(limit)
        if as_csv:
            say_unprocessed(day.unprocessed)
            click.echo(csv_text(found, day.writing), nl=False)
        elif as_json:
            click.echo(json_text(found, day.writing, day.unprocessed))
        elif html is not None:
            write_page(html, page_writer().today_page(found, day.writing, day.note(found)))
            click.echo(f"{html}: {len(found.entries):,} of {found.at_risk:,} customers to contact")
        else:
            console_for_people().print(today_view(found, day.writing, day.note(found)))
