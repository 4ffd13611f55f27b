"""``stream leads``: who may order for the first time, and why."""

from datetime import datetime

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.reach import Local
from stream.errors import StorageError
from stream.settings import Settings

__all__ = ["leads"]


@click.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Length of the list.")
@click.option(
    "--as-of",
    type=CalendarDay(),
    metavar="DAY",
    help="Another day than today, such as 2026-01-31; not before the newest event.",
)
@with_settings("Redis", "Kafka", "Topics", "Labels", "Events", "Shop", local=Local.SERVERS)
def leads(settings: Settings, *, as_json: bool, limit: int, as_of: datetime | None) -> None:
    """Show who was in touch, has not ordered, and may; the best chances first, with reasons.

    A lead is who clicked, was mailed or talked with the shop within half a year. Needs the projection `leads`
    (STREAM_PROJECTIONS=leads). Exit status 1 if it has not run.
    """
    from stream.cli.shop_day import shop_day

    with shop_day(settings, as_of) as day:
        found = day.leads(limit)
        if found is None:
            raise StorageError(
                "no leads are known: the projection leads, which finds them, has not run. On this machine:"
                " STREAM_PROJECTIONS=leads stream up; elsewhere: STREAM_PROJECTIONS=leads stream worker"
            )
        from stream.cli.console import console_for_people
        from stream.cli.leads_view import leads_view
        from stream.cli.list_files import object_text
        from stream.cli.unprocessed import say_unprocessed

        if as_json:
            click.echo(object_text(found, unprocessed=day.unprocessed))
        else:
            say_unprocessed(day.unprocessed)
            console_for_people().print(leads_view(found, day.writing))
