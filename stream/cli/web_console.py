"""``stream console``: pages for the owner."""

import asyncio
import time
from functools import partial
from ipaddress import ip_address

import click

from stream.cli.console_users import audit, user
from stream.cli.directory_at import open_desk, open_directory
from stream.cli.options import SettingsGroup, with_settings
from stream.cli.saying import say
from stream.errors import SettingsError, StorageError
from stream.settings import Settings
from stream.stop_signals import stop_event

__all__ = ["console"]

#: Customers of today's list.
_LISTED = 50
#: Texts of a customer's page.
_TEXTS = 20


@click.group(cls=SettingsGroup, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="IP address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: any free port.")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Another name under which browsers ask, over TLS.",
)
@with_settings("Directory", "Redis", "Kafka", "Topics", "Labels", "Events", "Shop", "Logging")
def console(settings: Settings, *, host: str, port: int, names: tuple[str, ...]) -> None:
    """Show pages in the browser, until told to stop: today, customers, business, system.

    They are read from the directory, which `stream directory run` keeps; today's list is that of `stream today`. What
    people record of customers can be undone for a minute; then it is published as by `stream actions record`.

    Without users there is no login, and only programs of this machine reach the pages. With users (`stream console user
    add`) everybody logs in. Put a proxy with TLS before it for other machines.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    try:
        is_local = ip_address(host).is_loopback
    except ValueError:
        raise SettingsError(f"--host {host}: expected an IP address") from None
    from stream.cli.logs import configure_logging

    configure_logging(settings)
    try:
        from stream.console.acting import Acting
        from stream.console.application import Address, serve
        from stream.console.labelling import CustomerTexts
        from stream.console.logins import Logins
        from stream.console.pages import Day, Pages
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    from stream.cli.publish_action import check_action, publish_action
    from stream.cli.shop_day import shop_day
    from stream.cli.shop_writing import writing_of
    from stream.cli.texts_desk import tally_of, texts_of
    from stream.directory.desk.accounts import Accounts
    from stream.directory.desk.audit_trail import AuditTrail
    from stream.projections.judgements import UNDECIDED
    from stream.storage.projection_desk import ProjectionDesk

    def list_today() -> Day:
        with shop_day(settings, None) as day:
            found = day.today(_LISTED)
            return Day(found, day.writing, day.note(found))

    def texts_of_customer(customer_id: str) -> CustomerTexts:
        try:
            with ProjectionDesk(settings) as desk:
                tally, texts = tally_of(desk, None), texts_of(desk, customer_id)
        except StorageError as error:
            # the rest of the page comes from elsewhere
            return CustomerTexts(note=f"What they wrote cannot be shown now: {error}")
        months = tally.categories.values() if tally else ()
        categories = {name for month in months for name in month} - {UNDECIDED}
        return CustomerTexts(texts[: -_TEXTS - 1 : -1], sorted(categories))

    async def run() -> None:
        acting = Acting(desk, partial(check_action, settings), partial(publish_action, settings))
        pages = Pages(store, writing_of(settings), list_today, texts_of_customer, acting, logins)
        at = Address(host, port)
        await serve(pages, at, names, stop_event(), lambda address: click.echo(f"console: {address}"))

    with open_directory(settings, make=True) as store, open_desk(settings) as desk:
        accounts, trail = Accounts(desk.engine), AuditTrail(desk.engine)
        if not accounts.has_users():
            say("the console has no users: stream console user add NAME")
            if is_local:
                say("until then there is no login, and whoever uses this machine may see customers")
        trail.prune(time.time_ns() // 1_000_000)
        logins = Logins(accounts, trail, must_log_in=not is_local)
        asyncio.run(run())


console.add_command(user)
console.add_command(audit)
