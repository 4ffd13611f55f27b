"""``stream console``: pages for the owner."""

import asyncio
from functools import partial

import click

from stream.cli.directory_at import open_desk, open_directory
from stream.cli.options import SettingsCommand, with_settings
from stream.errors import SettingsError
from stream.settings import Settings
from stream.stop_signals import stop_event

__all__ = ["console"]

#: Customers of today's list.
_LISTED = 50


@click.command(cls=SettingsCommand)
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: any free port.")
@with_settings("Directory", "Redis", "Kafka", "Topics", "Labels", "Events", "Shop", "Logging")
def console(settings: Settings, *, port: int) -> None:
    """Show pages in the browser of this machine, until told to stop: today, customers, business, system.

    They are read from the directory, which `stream directory run` keeps; today's list is that of `stream today`. What
    people record of customers can be undone for a minute; then it is published as by `stream actions record`. There is
    no login, so only programs of this machine reach the pages.
    """
    from stream.cli.logs import configure_logging

    configure_logging(settings)
    try:
        from stream.console.acting import Acting
        from stream.console.application import serve
        from stream.console.pages import Day, Pages
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    from stream.cli.publish_action import check_action, publish_action
    from stream.cli.shop_day import shop_day, writing_of

    def list_today() -> Day:
        with shop_day(settings, None) as day:
            found = day.today(_LISTED)
            return Day(found, day.writing, day.note(found))

    async def run() -> None:
        acting = Acting(desk, partial(check_action, settings), partial(publish_action, settings))
        pages = Pages(store, writing_of(settings), list_today, acting)
        await serve(pages, port, stop_event(), lambda address: click.echo(f"console: {address}"))

    with open_directory(settings, make=True) as store, open_desk(settings) as desk:
        asyncio.run(run())
