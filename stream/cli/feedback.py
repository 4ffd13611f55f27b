"""``stream feedback``: what customers say, as figures."""

from __future__ import annotations

import click
import msgspec
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.errors import StorageError
from stream.projections.ratings import PRODUCT, SHOP, Ratings, RatingTally
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["feedback"]


@click.command(cls=SettingsCommand)
@click.option("--product", metavar="ID", help="Of one product.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@with_settings("Redis", "Topics", local=Local.SERVERS)
def feedback(settings: Settings, *, product: str | None, as_json: bool) -> None:
    """Show NPS, CSAT, CES and stars, by month and channel, each with its 95 % interval.

    How many did not answer is not known: events tell answers, not who was asked. Needs the projection `ratings`
    (STREAM_PROJECTIONS=ratings,satisfaction). Exit status 1 if nothing was said.
    """
    key = f"{PRODUCT}{product}" if product else SHOP
    with ProjectionDesk(settings) as desk:
        found = desk.shared(Ratings.name, Ratings.version, key)
    if not found:
        raise StorageError(
            f"nobody has said anything{f' about {product}' if product else ''} yet, or the projection ratings does not"
            " run (`stream projections list`)"
        )
    tallies = [msgspec.json.decode(state, type=RatingTally) for state in found]
    from stream.cli.feedback_view import as_object, feedback_view

    if as_json:
        click.echo(orjson.dumps(as_object(tallies), option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people

    console_for_people().print(feedback_view(tallies))
