"""``stream recommend``: what to offer to a customer, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.errors import StorageError
from stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.cli.recommendations_desk import ShopRecord
    from stream.recommending.association_rules import AssociationRules

__all__ = ["recommend"]

_ONLY_FOR: Final = {
    "days": "it is how soon, for --rules",
    "limit": "it is the length of lists, or of --rules",
    "without": "it is for the lists of a customer",
}


@click.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Length of lists, or of --rules."
)
@click.option("--without", multiple=True, metavar="ITEM", help="Do not offer this item; may be given several times.")
@click.option("--rules", is_flag=True, help="Instead: who buys one item buys another one, in the whole shop.")
@click.option("--record", is_flag=True, help="Instead: how good the lists of the whole shop were.")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="How soon, for --rules.")
@with_settings("Redis", "Topics", "Shop", local=Local.REDIS)
def recommend(
    settings: Settings,
    *,
    customer_id: str | None,
    as_json: bool,
    limit: int,
    without: tuple[str, ...],
    rules: bool,
    record: bool,
    days: int,
) -> None:
    """Show what customer ID may buy again, what else they may like, and what goes with their last order.

    With --rules and no ID: which items follow others more often than by chance. With --record and no ID: how often
    lists had what was bought next. ID is what `stream customer` takes.
    Needs the projection `recommendations` (STREAM_PROJECTIONS=recommendations) and orders with their items. Exit status
    1 if no order of the customer is known.
    """
    from stream.cli.identity_lookup import id_of
    from stream.cli.recommendations_desk import agreed_lists, newest_ms_of, record_of_shop, rules_of_shop
    from stream.storage.projection_desk import ProjectionDesk

    if (customer_id is not None) + rules + record != 1:
        raise click.UsageError("expected the ID of a customer, --rules, or --record")
    _refuse_unused({"days": rules, "limit": not record, "without": customer_id is not None})
    with ProjectionDesk(settings) as desk:
        newest_ms = newest_ms_of(desk)
        if newest_ms is None:
            raise StorageError(
                "the projection recommendations has folded nothing yet: STREAM_PROJECTIONS=recommendations stream"
                " worker (`stream projections list`)"
            )
        if record:
            _show_record(record_of_shop(desk, settings), as_json=as_json)
            return
        if customer_id is None:
            _show_rules(rules_of_shop(desk, newest_ms, days), limit, as_json=as_json)
            return
    asked = id_of(settings, customer_id)
    found, is_withheld = agreed_lists(settings, asked, limit, {*without})
    if found is None:
        raise StorageError(f"no order with items of the customer {asked!r} is known")
    if is_withheld:
        raise StorageError("nothing is recommended: the customer does not agree to scores (stream consent show ID)")
    from stream.cli.console import console_for_people
    from stream.cli.list_files import object_text
    from stream.cli.recommendations_view import recommendations_view

    if as_json:
        click.echo(object_text(found, customer_id=asked))
    else:
        console_for_people().print(recommendations_view(found))


def _refuse_unused(is_used: Mapping[str, bool]) -> None:
    """An option that does nothing for what is asked was meant for something else."""
    context = click.get_current_context()
    for name, used in is_used.items():
        if not used and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} does nothing here: {_ONLY_FOR[name]}")


def _show_rules(found: AssociationRules, limit: int, *, as_json: bool) -> None:
    from stream.cli.console import console_for_people
    from stream.cli.list_files import object_text
    from stream.cli.recommendations_view import first_rules, rules_view

    if as_json:
        click.echo(object_text(first_rules(found, limit)))
    else:
        console_for_people().print(rules_view(found, limit))


def _show_record(found: ShopRecord, *, as_json: bool) -> None:
    from stream.cli.console import console_for_people
    from stream.cli.list_files import object_text
    from stream.cli.recommendations_view import record_view

    if as_json:
        click.echo(object_text(found))
    else:
        console_for_people().print(record_view(found))
