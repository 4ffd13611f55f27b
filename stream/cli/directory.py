"""``stream directory``: a database of customers, their history and the shop's figures, and asking it."""

from datetime import datetime
from functools import partial
from typing import Any

import click
import orjson

from stream.cli.directory_at import customer_object, open_directory
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.serving import serving
from stream.features.stages import STAGE_NAMES
from stream.processing.rfm import Tier
from stream.settings import Settings

__all__ = ["directory"]

_DAY = CalendarDay()
_STAGES = tuple(stage.replace("_", " ") for stage in STAGE_NAMES)
_TIERS = tuple(tier.text for tier in Tier if tier)
_SORTS = ("id", "spend", "last-order", "risk", "at-stake")
_GRAINS = ("month", "week")
_LIMIT = click.option(
    "--limit",
    type=click.IntRange(min=1, max=10_000),
    default=20,
    show_default=True,
    help="Length of a page; CSV has all.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_CSV = click.option("--csv", "as_csv", is_flag=True, help="As CSV, for a spreadsheet.")
_BY = click.option("--by", type=click.Choice(_GRAINS), default="month", show_default=True, help="Length of a period.")
_CURSOR = click.option("--cursor", metavar="TEXT", help="Where to go on: it stands below the page before.")


@click.group()
def directory() -> None:
    """Keep customers, their history and the shop's figures in a database, and ask it.

    `stream directory run` keeps it from the topics. It is SQLite in a file of data_dir, or the database of
    STREAM_DIRECTORY_URL.
    """


@directory.command(cls=SettingsCommand)
@click.option("--once", is_flag=True, help="End when all that is in the topics has been read.")
@with_settings("Kafka", "Topics", "Events", "Time", "Shop", "Directory", "Metrics", "Logging")
def run(settings: Settings, *, once: bool) -> None:
    """Keep the directory until told to stop (SIGTERM, Ctrl-C), which loses and repeats nothing."""
    from stream.privacy.erasure_feed import ErasureFeed

    with (
        serving(settings) as (stop, tell),
        open_directory(settings, make=True) as store,
        ErasureFeed(settings, stop, f"{settings.group}-directory") as feed,
    ):
        from stream.directory.keeper import run as keep

        keep(settings, store, stop, until_end=once, tell=tell, erasures=feed.erasures)


@directory.command(cls=SettingsCommand)
@click.argument("begins", metavar="[ID]", default="")
@click.option("--stage", "stages", multiple=True, type=click.Choice(_STAGES), help="May be given several times.")
@click.option("--tier", "tiers", multiple=True, type=click.Choice(_TIERS, case_sensitive=False))
@click.option("--segment", "segments", multiple=True, metavar="NAME")
@click.option("--risk-from", type=click.FloatRange(0, 1), help="The lowest risk that no order comes.")
@click.option("--at-stake-from", type=float, metavar="MONEY", help="The lowest amount at stake within the horizon.")
@click.option("--spend-from", type=float, metavar="MONEY", help="The lowest spend so far, less refunds.")
@click.option("--channel", metavar="NAME", help="Who came by this channel, such as web.")
@click.option("--ordered-from", type=_DAY, metavar="DAY", help="The last order was on this day or later.")
@click.option("--ordered-before", type=_DAY, metavar="DAY", help="The last order was before this day.")
@click.option("--sort", type=click.Choice(_SORTS), default="id", show_default=True, help="By id, or the most first.")
@_LIMIT
@_CURSOR
@_CSV
@_JSON
@with_settings("Directory", "Redis", "Privacy", "Kafka", "Topics", "Shop")
def customers(
    settings: Settings, *, sort: str, limit: int, cursor: str, as_csv: bool, as_json: bool, **given: Any
) -> None:
    """List customers whose id begins with ID, all by default, and to whom all conditions apply.

    A list that is sorted by a figure has only the customers of whom it is known. A customer who does not agree to be
    scored has no scores, and is in no list by them; Redis says who agrees. With privacy_keys ID is a whole id.
    """
    from stream.cli.shop_writing import writing_of
    from stream.reporting.writing import Writing

    # JSON has no currency
    writing = Writing.of(settings) if as_json else writing_of(settings)
    with open_directory(settings) as store:
        from stream.cli import directory_view
        from stream.cli.consent_asked import refusing_to_be_scored
        from stream.cli.data_files import contacts_file
        from stream.cli.identity_lookup import stored_id
        from stream.directory import json_rows
        from stream.directory.consented_lists import consented_page, every_consented
        from stream.directory.customer_queries import Sort
        from stream.directory.customers_csv import customers_csv
        from stream.directory.database import reading

        given["begins"] = stored_id(settings, given["begins"]) if given["begins"] else ""
        condition, order = _condition(writing, **given), Sort(sort)
        refusing = partial(refusing_to_be_scored, settings)
        with reading(store.engine) as connection:
            if as_csv:
                rows = every_consented(connection, condition, order, refusing=refusing)
                with contacts_file(settings) as people:
                    for line in customers_csv(rows, writing, people.names):
                        click.echo(line, nl=False)
                return
            page = consented_page(connection, condition, order, refusing=refusing, limit=limit, cursor=cursor)
    if as_json:
        _print_json(json_rows.customers_json(page))
    else:
        _print(directory_view.customers_view(page, writing))


@directory.command(cls=SettingsCommand)
@click.argument("customer_id")
@_LIMIT
@click.option(
    "--of", "sources", multiple=True, metavar="SOURCE", help="Only click, email, purchase, alert, action, ..."
)
@_CURSOR
@_JSON
@with_settings("Directory", "Redis", "Privacy", "Kafka", "Topics", "Shop")
def timeline(
    settings: Settings, *, customer_id: str, limit: int, sources: tuple[str, ...], cursor: str, as_json: bool
) -> None:
    """Show what happened to a customer under any of their ids, the newest first. Exit status 1 for an unknown one."""
    from stream.cli.shop_writing import writing_of

    with open_directory(settings) as store:
        from stream.cli import directory_view
        from stream.cli.consent_asked import refusing_to_be_scored
        from stream.cli.identity_lookup import stored_id
        from stream.directory import json_rows
        from stream.directory.consented_lists import SCORED, who_refuses
        from stream.directory.database import reading
        from stream.directory.timeline_queries import timeline_page

        customer_id = stored_id(settings, customer_id)
        customer_object(store, customer_id)
        refused = who_refuses(partial(refusing_to_be_scored, settings), [customer_id], by_scores=False)
        hidden = SCORED if refused else ()
        asked: dict[str, Any] = {"cursor": cursor, "sources": sources, "hidden": hidden}
        with reading(store.engine) as connection:
            page = timeline_page(connection, customer_id, limit=limit, **asked)
    if as_json:
        _print_json(json_rows.timeline_json(page))
    else:
        _print(directory_view.timeline_view(page, writing_of(settings)))


@directory.command(cls=SettingsCommand)
@click.argument("customer_id")
@_JSON
@with_settings("Directory", "Redis", "Kafka", "Topics", "Shop")
def orders(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show the orders of a customer, under any of their ids, the newest first. Exit status 1 for an unknown one."""
    from stream.cli.shop_writing import writing_of

    with open_directory(settings) as store:
        from stream.cli import directory_view
        from stream.cli.identity_lookup import stored_id
        from stream.directory import json_rows
        from stream.directory.database import reading
        from stream.directory.timeline_queries import orders_of

        customer_id = stored_id(settings, customer_id)
        customer_object(store, customer_id)
        with reading(store.engine) as connection:
            found = orders_of(connection, customer_id)
    if as_json:
        _print_json([*map(json_rows.row_object, found)])
    else:
        _print(directory_view.orders_view(found, writing_of(settings)))


@directory.command(cls=SettingsCommand)
@_BY
@_CSV
@_JSON
@with_settings("Directory", "Kafka", "Topics", "Shop")
def kpis(settings: Settings, *, by: str, as_csv: bool, as_json: bool) -> None:
    """Show revenue less refunds, orders, new and returning customers, and changes of stage, by month or week."""
    from stream.cli.shop_writing import writing_of

    writing = writing_of(settings)
    with open_directory(settings) as store:
        from stream.cli import directory_view
        from stream.directory import json_rows
        from stream.directory import kpis as queries
        from stream.directory.calendar import Grain
        from stream.directory.customer_groups import counted
        from stream.directory.database import reading

        with reading(store.engine) as connection:
            found = queries.kpis(connection, Grain(by))
            loyalty, stages = queries.loyalty(connection), counted(connection, "stage")
    if as_csv:
        for line in directory_view.kpis_csv(found, writing):
            click.echo(line, nl=False)
    elif as_json:
        _print_json(json_rows.kpis_json(found, loyalty, stages, writing.currency))
    else:
        _print(directory_view.kpis_view(found, loyalty, stages, writing, by))


@directory.command(cls=SettingsCommand)
@_BY
@_JSON
@with_settings("Directory", "Shop")
def cohorts(settings: Settings, *, by: str, as_json: bool) -> None:
    """Show retention: of the customers who first ordered in a period, how many ordered in each period after."""
    with open_directory(settings) as store:
        from stream.cli import directory_view
        from stream.directory import json_rows
        from stream.directory import kpis as queries
        from stream.directory.calendar import Grain
        from stream.directory.database import reading

        with reading(store.engine) as connection:
            found = queries.cohorts(connection, Grain(by))
    if as_json:
        _print_json(json_rows.cohorts_json(found))
    else:
        _print(directory_view.cohorts_view(found))


def _condition(writing: Any, **given: Any) -> Any:
    from stream.directory.customer_queries import Condition, amount_of

    def money(name: str) -> int | None:
        amount = given.pop(name)
        return None if amount is None else amount_of(amount)

    def midnight(name: str) -> int | None:
        day: datetime | None = given.pop(name)
        return None if day is None else writing.midnight_ms(day.date())

    return Condition(
        at_stake_from=money("at_stake_from"),
        spend_from=money("spend_from"),
        ordered_from_ms=midnight("ordered_from"),
        ordered_before_ms=midnight("ordered_before"),
        stages=[stage.replace(" ", "_") for stage in given.pop("stages")],
        **given,
    )


def _print(view: Any) -> None:
    from stream.cli.console import console_for_people

    console_for_people().print(view)


def _print_json(found: object) -> None:
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
