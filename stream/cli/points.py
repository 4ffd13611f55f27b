"""``stream points``: the points of a customer; spend some, or give some."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.reach import Local
from stream.errors import SettingsError, StorageError
from stream.settings import Settings

__all__ = ["points"]


@click.command(cls=SettingsCommand)
@click.argument("words", nargs=-1, required=True, metavar="ID | spend ID N | give ID N")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--as-of", "as_of", type=CalendarDay(), help="At the end of this day. [now]")
@click.option("--note", help="What they are spent or given for, at most 2,000 characters.")
@click.option("--movement-id", help="A repeat under the same id is no second movement. [a new one]")
@with_settings("Redis", "Kafka", "Topics", "Labels", "Shop", local=Local.SERVERS)
def points(
    settings: Settings,
    *,
    words: tuple[str, ...],
    as_json: bool,
    as_of: datetime | None,
    note: str | None,
    movement_id: str | None,
) -> None:
    """Show the points of customer ID: the balance, what is lost next and when, and the tier.

    `stream points spend ID N` takes N points, and refuses more than the balance; `stream points give ID N` adds some.
    The rules are in the points file (--points-file); docs/points.md describes it. Needs the projection `points`. Exit
    status 1 if nothing is known of the customer.
    """
    from stream.cli.identity_lookup import id_of
    from stream.cli.points_desk import account_of, publish_movement, rules_of_points, statement_at
    from stream.points.account import PointsAccount
    from stream.projections.shop_time import shop_zone
    from stream.storage.projection_desk import ProjectionDesk

    rules, zone = rules_of_points(settings), shop_zone(settings)
    name, customer, count = _asked(words)
    if as_of is not None and name != "show":
        raise click.UsageError("--as-of is of `stream points ID`: points are spent and given now")
    now_ms = time.time_ns() // 1_000_000
    with ProjectionDesk(settings) as desk:
        customer_id, account = account_of(desk, id_of(settings, customer))
    if name == "give":
        given = publish_movement(settings, customer_id, "given", count, now_ms, movement_id=movement_id, note=note)
        click.echo(f"gave {count} points to {customer_id} as {given.movement_id}", err=True)
        return
    at_ms = now_ms if as_of is None else _end_of(as_of.date(), zone)
    statement = statement_at(settings, account or PointsAccount(), rules, at_ms)
    if name == "spend":
        is_repeat = account is not None and movement_id in account.movements
        if count > statement.balance and not is_repeat:
            raise SettingsError(f"{customer_id} has {statement.balance} points, and cannot spend {count}")
        spent = publish_movement(settings, customer_id, "spent", count, now_ms, movement_id=movement_id, note=note)
        click.echo(f"spent {count} points of {customer_id} as {spent.movement_id}", err=True)
        return
    if account is None:
        raise StorageError(
            f"nothing is known of points of the customer {customer_id!r}: no order of theirs was read by the projection"
            " points (STREAM_PROJECTIONS=points stream worker)"
        )
    from stream.cli.console import console_for_people
    from stream.cli.list_files import object_text
    from stream.cli.points_view import points_view
    from stream.cli.shop_writing import writing_of

    if as_json:
        click.echo(object_text(statement, customer_id=customer_id))
    else:
        console_for_people().print(points_view(statement, writing_of(settings)))


def _asked(words: tuple[str, ...]) -> tuple[str, str, int]:
    if len(words) == 1:
        return "show", words[0], 0
    name, customer, count = words if len(words) == 3 else ("", "", "")  # noqa: PLR2004 - as the usage says
    if name not in {"spend", "give"} or not count.isascii() or not count.isdigit() or not int(count):
        raise click.UsageError("expected ID, spend ID N or give ID N, with a whole number N above 0")
    return name, customer, int(count)


def _end_of(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day + timedelta(days=1), time_of_day(), zone).timestamp() * 1000) - 1
