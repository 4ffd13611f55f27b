"""The process of ``stream console``: what it has open, and what its pages and answers are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import closing
from functools import partial
from typing import NamedTuple

import click

from stream.cli.console_elsewhere import elsewhere_of
from stream.cli.console_erasures import FollowedErasures
from stream.cli.console_offers import ShopOffers
from stream.cli.console_operations import ShopOperations
from stream.cli.console_reads import customer_points, customer_texts, todays_list
from stream.cli.directory_at import open_desk, open_directory
from stream.cli.live_recommendations import LiveRecommendations
from stream.cli.publish_action import publish_action, ready_action
from stream.cli.saying import say
from stream.cli.serving import probes
from stream.cli.shop_writing import currency_of_orders
from stream.console.acting import Acting
from stream.console.api import Api
from stream.console.api_access import ApiAccess
from stream.console.api_lists import ApiLists
from stream.console.application import Address, serve
from stream.console.login_pages import Elsewhere
from stream.console.logins import Logins
from stream.console.pages import Pages
from stream.console.watching import Watch
from stream.directory.desk.accounts import Accounts
from stream.directory.desk.api_tokens import ApiTokens
from stream.directory.desk.audit_trail import AuditTrail
from stream.directory.desk.desk_store import DeskStore
from stream.directory.desk.saved_filters import SavedFilters
from stream.directory.store import DirectoryStore
from stream.privacy.erasures import Erasures
from stream.privacy.revealing import Revealer
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.stop_signals import stop_event

__all__ = ["run_console"]


class _Opened(NamedTuple):
    """What the process has open as long as it runs."""

    settings: Settings
    store: DirectoryStore
    desk: DeskStore
    live: LiveRecommendations
    erasures: Erasures


def run_console(settings: Settings, at: Address, names: Collection[str], *, is_local: bool) -> None:
    """Show pages and answer programs until told to stop.

    ``names``: under which browsers may ask, beside those of this machine. ``is_local``: only programs of this machine
    reach the address, so nobody needs to log in. Raises `StreamError`.
    """
    elsewhere = elsewhere_of(settings)
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
        opened = _Opened(settings, store, desk, live, followed.erasures)
        asyncio.run(_serve(opened, logins, elsewhere, trail, at, names, Watch(store, desk, tell)))


async def _serve(
    opened: _Opened,
    logins: Logins,
    elsewhere: Elsewhere | None,
    trail: AuditTrail,
    at: Address,
    names: Collection[str],
    watch: Watch,
) -> None:
    operations, filters = ShopOperations(opened.settings), SavedFilters(opened.desk.engine)
    pages = _pages(opened, operations, filters, logins, elsewhere)
    programs = ApiAccess(_api(opened, pages, operations, filters), ApiTokens(opened.desk.engine), trail)
    revealer = Revealer.of(opened.settings) if opened.settings.privacy_keys else None
    await serve(pages, programs, at, names, watch, stop_event(), _tell_address, revealer)


def _pages(
    opened: _Opened, operations: ShopOperations, filters: SavedFilters, logins: Logins, elsewhere: Elsewhere | None
) -> Pages:
    settings = opened.settings
    ready, publish = partial(ready_action, settings), partial(publish_action, settings)
    return Pages(
        opened.store,
        Writing.of(settings),
        partial(todays_list, settings),
        partial(customer_texts, settings, opened.live.lists),
        Acting(opened.desk, ready, publish, erasures=opened.erasures),
        logins,
        operations=operations,
        offers=ShopOffers(settings),
        filters=filters,
        elsewhere=elsewhere,
        erasures=opened.erasures,
        language="" if settings.console_language == "auto" else settings.console_language,
        currency=partial(currency_of_orders, settings),
    )


def _api(opened: _Opened, pages: Pages, operations: ShopOperations, filters: SavedFilters) -> Api:
    return Api(
        opened.store,
        pages.writing,
        pages.acting,
        opened.live.lists,
        partial(customer_points, opened.settings),
        refusing=operations.refusing,
        lists=ApiLists(pages.day, filters, pages.acting, operations.refusing),
        feedback=operations.feedback,
    )


def _tell_address(address: str) -> None:
    click.echo(f"console: {address}")
