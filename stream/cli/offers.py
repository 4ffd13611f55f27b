"""``stream offers`` and ``stream offer``: what to offer to whom, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.errors import SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.offering.offers_file import OffersConfig

__all__ = ["offer", "offers"]


@click.command(cls=SettingsCommand)
@click.option("--decide", is_flag=True, help="Publish the decisions to the topic offers: from then on they hold.")
@click.option("--json", "as_json", is_flag=True, help="All decisions, as JSON lines.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Length of the list.")
@click.option("--check", is_flag=True, help="Only check the offers file.")
@with_settings("Redis", "Kafka", "Topics", "Labels", "Events", "Shop", local=Local.SERVERS)
def offers(settings: Settings, *, decide: bool, as_json: bool, limit: int, check: bool) -> None:
    """Show what to offer to whom today, and why: by the gain that is expected beyond what the customer does anyway.

    What may be offered is in the offers file (--offers-file); docs/offers.md describes it. With --decide, once a day,
    the decisions are published, those to offer nothing as well: the projection `offers` (STREAM_PROJECTIONS=offers)
    learns from what comes of them. A customer is decided about again when the window of the last decision is over.
    """
    config = _config(settings)
    if check:
        click.echo(f"{settings.offers_file}: {len(config.offers)} offers", err=True)
        return
    import msgspec

    from stream.cli.console import console_for_people
    from stream.cli.offers_desk import offers_now
    from stream.cli.offers_view import offers_view
    from stream.cli.publish_one import publish_all
    from stream.cli.shop_day import shop_day
    from stream.cli.unprocessed import say_unprocessed

    with shop_day(settings, None) as day:
        say_unprocessed(day.unprocessed)
        planned = offers_now(day, config)
        if decide:
            records = [(one.decision.customer_id.encode(), msgspec.json.encode(one.decision)) for one in planned]
            publish_all(settings, settings.offers, records, "decision")
        if as_json:
            for one in planned:
                click.echo(msgspec.json.encode(one.decision))
        else:
            console_for_people().print(offers_view(planned, config, day.writing.money, limit, decided=decide))


@click.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The decision as JSON.")
@with_settings("Redis", "Kafka", "Topics", "Labels", "Events", "Shop", local=Local.SERVERS)
def offer(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show what to offer to customer ID now, or what was decided if its window is not over, and why.

    ID is what `stream customer` takes. Exit status 1 if there is no such customer.
    """
    config = _config(settings)
    import msgspec

    from stream.cli.console import console_for_people
    from stream.cli.identity_lookup import id_of
    from stream.cli.offers_desk import offered_of, offers_now
    from stream.cli.offers_view import offer_view
    from stream.cli.shop_day import shop_day
    from stream.cli.stored_customer import customer_named
    from stream.cli.unprocessed import say_unprocessed
    from stream.storage.projection_desk import ProjectionDesk

    asked = id_of(settings, customer_id)
    with shop_day(settings, None) as day, ProjectionDesk(settings) as desk:
        say_unprocessed(day.unprocessed)
        found = customer_named(settings, day.overview, desk, customer_id, asked)
        made = offered_of(desk, found.customer_id).decisions.values()
        running = [one for one in made if one.until_ms > day.basis.now_ms]
        planned = [] if running else offers_now(day, config, [found.document])
        if as_json:
            told = [one.decision for one in planned] or running
            click.echo(msgspec.json.encode(told[0] if told else None))
        else:
            console_for_people().print(offer_view(running, planned, config, day.writing))


def _config(settings: Settings) -> OffersConfig:
    try:
        from stream.offering.offers_file import load
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[notify]'") from error
    return load(settings.offers_file)
