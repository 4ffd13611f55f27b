"""``stream console``: pages for the owner."""

import asyncio
import time
from contextlib import closing
from functools import partial
from ipaddress import ip_address

import click

from stream.cli.console_tokens import token
from stream.cli.console_users import audit, user
from stream.cli.directory_at import open_desk, open_directory
from stream.cli.options import SettingsGroup, with_settings
from stream.cli.saying import say
from stream.errors import SettingsError
from stream.settings import Settings
from stream.stop_signals import stop_event

__all__ = ["console"]


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
@with_settings(
    "Directory",
    "Login",
    "Redis",
    "Kafka",
    "Topics",
    "Labels",
    "Alerts",
    "Events",
    "Shop",
    "Notifications",
    "Privacy",
    "Metrics",
    "Logging",
)
def console(settings: Settings, *, host: str, port: int, names: tuple[str, ...]) -> None:
    """Show pages in the browser, until told to stop: today, customers, business, models, system.

    They are read from the directory, which `stream directory run` keeps; today's list is that of `stream today`. What
    people record of customers can be undone for a minute; then it is published as by `stream actions record`.

    Without users there is no login, and only programs of this machine reach the pages. With users (`stream console user
    add`) everybody logs in, and with `oidc_issuer` with an account of that provider. Put a proxy with TLS before it for
    other machines.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    is_local = _is_loopback(host)
    from stream.cli.logs import configure_logging
    from stream.cli.serving import probes

    configure_logging(settings)
    try:
        from stream.cli.console_elsewhere import elsewhere_of
        from stream.cli.console_erasures import FollowedErasures
        from stream.cli.console_offers import ShopOffers
        from stream.cli.console_operations import ShopOperations
        from stream.cli.console_reads import customer_points, customer_texts, todays_list
        from stream.cli.live_recommendations import LiveRecommendations
        from stream.console.acting import Acting
        from stream.console.api import Api
        from stream.console.api_access import ApiAccess
        from stream.console.api_lists import ApiLists
        from stream.console.application import Address, serve
        from stream.console.logins import Logins
        from stream.console.pages import Pages
        from stream.console.watching import Watch
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[console]'") from error
    elsewhere = elsewhere_of(settings)
    from stream.cli.publish_action import publish_action, ready_action
    from stream.cli.shop_writing import currency_of_orders
    from stream.directory.desk.accounts import Accounts
    from stream.directory.desk.api_tokens import ApiTokens
    from stream.directory.desk.audit_trail import AuditTrail
    from stream.directory.desk.saved_filters import SavedFilters
    from stream.privacy.revealing import Revealer
    from stream.reporting.writing import Writing

    async def run() -> None:
        acting = Acting(
            desk, partial(ready_action, settings), partial(publish_action, settings), erasures=followed.erasures
        )
        writing, operations, filters = Writing.of(settings), ShopOperations(settings), SavedFilters(desk.engine)
        pages = Pages(
            *(
                store,
                writing,
                partial(todays_list, settings),
                partial(customer_texts, settings, live.lists),
                acting,
                logins,
            ),
            operations=operations,
            offers=ShopOffers(settings),
            filters=filters,
            elsewhere=elsewhere,
            erasures=followed.erasures,
            language="" if settings.console_language == "auto" else settings.console_language,
            currency=partial(currency_of_orders, settings),
        )
        revealer = Revealer.of(settings) if settings.privacy_keys else None
        api = Api(
            *(store, pages.writing, acting, live.lists, partial(customer_points, settings)),
            refusing=operations.refusing,
            lists=ApiLists(pages.day, filters, acting, operations.refusing),
            feedback=operations.feedback,
        )
        programs = ApiAccess(api, ApiTokens(desk.engine), trail)
        watch = Watch(store, desk, tell)
        await serve(
            *(pages, programs, Address(host, port), names, watch, stop_event()),
            *(lambda address: click.echo(f"console: {address}"), revealer),
        )

    with (
        closing(LiveRecommendations(settings).prepared()) as live,
        probes(settings) as tell,
        open_directory(settings, make=True) as store,
        open_desk(settings) as desk,
        FollowedErasures(settings) as followed,
    ):
        accounts, trail = Accounts(desk.engine), AuditTrail(desk.engine, settings.keep_audit_days)
        if not accounts.has_users() and elsewhere is None:
            say("the console has no users: stream console user add NAME")
            if is_local:
                say("until then there is no login, and whoever uses this machine may see customers")
        trail.prune(time.time_ns() // 1_000_000)
        logins = Logins(accounts, trail, must_log_in=elsewhere is not None or not is_local)

        asyncio.run(run())


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        raise SettingsError(f"--host {host}: expected an IP address") from None


console.add_command(user)
console.add_command(audit)
console.add_command(token)
