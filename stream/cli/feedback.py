"""``stream feedback``: what customers say, as figures; what they write, and of which category it is."""

from __future__ import annotations

import getpass
import time
import uuid
from datetime import datetime

import click
import msgspec
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.reach import Local
from stream.errors import SettingsError, StorageError
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["feedback"]

_DEFAULT = "figures"


class _Feedback(click.Group):
    """Without a command it shows figures."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Feedback)
def feedback() -> None:
    """Show what customers say. Without a command: figures."""


@feedback.command(cls=SettingsCommand)
@click.option("--product", metavar="ID", help="Of one product.")
@click.option("--survey", metavar="ID", help="Of one survey.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@with_settings("Redis", "Topics", local=Local.REDIS)
def figures(settings: Settings, *, product: str | None, survey: str | None, as_json: bool) -> None:
    """Show satisfaction, NPS, CSAT, CES and stars with 95 % intervals, by month, survey, channel, product; and moods.

    Also how many did not answer, where events of feedback named `asked` with a `survey_id` tell who was asked. Needs
    the projections `ratings`, for that and to tell surveys apart `surveys`, and for texts `texts` and `classification`
    (STREAM_PROJECTIONS=ratings,surveys,satisfaction,texts,classification). Exit status 1 if nothing was said.
    """
    if product is not None and survey is not None:
        raise SettingsError("--product and --survey: name one of them")
    # The models take seconds to import: not for the help of other commands.
    from stream.cli.feedback_desk import feedback_of
    from stream.cli.texts_desk import tally_of

    with ProjectionDesk(settings) as desk:
        found = feedback_of(desk, product, survey)
        # of texts it is not known to which survey they belong
        written = tally_of(desk, product) if survey is None else None
    said = bool(found.tallies or found.surveyed)
    if not said and written is None:
        about = f" about {product}" if product else f" in the survey {survey}" if survey else ""
        raise StorageError(
            f"nobody has said anything{about} yet, or the projection ratings does not run (`stream projections list`)"
        )
    from stream.cli.feedback_view import feedback_view
    from stream.cli.texts_view import tally_view
    from stream.reporting.feedback_groups import as_object

    if as_json:
        told = as_object(found) | ({} if written is None else {"texts": msgspec.to_builtins(written)})
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people

    console = console_for_people()
    if said:
        console.print(feedback_view(found))
    if written is not None:
        console.print(tally_view(written))


@feedback.command(cls=SettingsCommand)
@click.option("--undecided", is_flag=True, help="Only texts without a category: those worth a label.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@with_settings("Redis", "Topics", local=Local.REDIS)
def texts(settings: Settings, *, undecided: bool, limit: int, as_json: bool) -> None:
    """Show the newest texts with mood, category and the words that decided.

    Needs the projections `texts` and `classification`. Exit status 1 if there is no text.
    """
    from stream.cli.texts_desk import newest_texts
    from stream.cli.texts_view import texts_view, told_of

    with ProjectionDesk(settings) as desk:
        found = newest_texts(desk, limit, undecided=undecided)
    if not found:
        raise StorageError("there is no such text that is kept, or texts does not run (`stream projections list`)")
    if as_json:
        click.echo(orjson.dumps([told_of(one) for one in found], option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people

    console_for_people().print(texts_view(found))


@feedback.command(cls=SettingsCommand)
@click.argument("event_id", metavar="ID")
@click.argument("category")
@click.option(
    "--customer", "customer_id", metavar="WHO", help="Who wrote it, as `stream customer` takes it. [looked up]"
)
@click.option("--by", default=getpass.getuser, help="Who says so. [the user]")
@with_settings("Kafka", "Redis", "Topics", "Time")
def label(settings: Settings, *, event_id: str, category: str, customer_id: str | None, by: str) -> None:
    """Say that what a customer wrote in the event ID is of CATEGORY: an existing one, or a new one.

    The program learns from it: a category is used from 20 labels on. `stream feedback texts` shows ids. Publishes to
    the topic of actions.
    """
    from stream.alerts.action_records import Action, ActionKind
    from stream.cli.identity_lookup import id_of
    from stream.cli.not_erased import check_not_erased
    from stream.cli.publish_action import publish_action
    from stream.cli.texts_desk import customer_of_text
    from stream.events.times import instant

    if customer_id is None:
        with ProjectionDesk(settings) as desk:
            customer_id = customer_of_text(desk, event_id)
    else:
        customer_id = id_of(settings, customer_id)
    if customer_id is None:
        raise StorageError(f"no text of an event {event_id!r} is kept; name its customer with --customer")
    now_ms = time.time_ns() // 1_000_000
    action = Action(
        action_id=str(uuid.uuid4()),
        customer_id=customer_id,
        action=ActionKind.LABELLED,
        occurred_at=instant(now_ms),
        actor=by,
        event_id=event_id,
        category=category,
    )
    check_not_erased(settings, customer_id)
    publish_action(settings, action)
    click.echo(f"recorded: what {customer_id} wrote in {event_id} is {category}", err=True)


@feedback.command(cls=SettingsCommand)
@click.option("--customer", "customer_id", metavar="ID", help="Only this customer.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the lowest first.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@with_settings("Kafka", "Redis", "Topics", local=Local.SERVERS)
def loyalty(settings: Settings, *, customer_id: str | None, limit: int, as_json: bool) -> None:
    """Show loyalty by the formula, and learned from what came later: the share of the orders that is expected to stay.

    Learned from the topic of training examples, anew at each call; each label tested the model before it taught it.
    Needs the projection `satisfaction`. Exit status 1 if nobody who said anything has ordered.
    """
    from stream.cli.loyalty_desk import loyalty_of
    from stream.cli.loyalty_view import loyalty_view

    found = loyalty_of(settings)
    shown = [one for one in found.customers if customer_id in {None, one.customer_id}][:limit]
    if not shown:
        raise StorageError(
            "no customer who said something has ordered in a horizon that is over, or satisfaction does not run"
            " (`stream projections list`)"
        )
    found = found._replace(customers=shown)
    if as_json:
        # msgspec would write a tuple as an array
        told = {**found._asdict(), "checked": found.checked._asdict(), "customers": [one._asdict() for one in shown]}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people

    console_for_people().print(loyalty_view(found))


@feedback.command(cls=SettingsCommand)
@click.option("--week", type=CalendarDay(), help="Of the week of this day. [the newest text's]")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@with_settings("Redis", "Topics", local=Local.REDIS)
def themes(settings: Settings, *, week: datetime | None, as_json: bool) -> None:
    """Show what customers write about more than before: moods, categories and words of a week, with examples.

    The week is compared with the four before. A word is shown if three customers or more wrote it and its share of the
    customers grew (p < 0.001). Needs the projections `texts` and `classification`. Exit status 1 if there is no text.
    """
    from stream.cli.texts_desk import agreed_texts
    from stream.cli.themes_view import themes_view
    from stream.reporting.themes import monday_of, themes_of

    monday = None if week is None else monday_of(week.date())
    found = themes_of(agreed_texts(settings), monday)
    if found is None:
        raise StorageError(
            "nobody has written anything that is kept, or texts does not run (`stream projections list`)"
        )
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people

    console_for_people().print(themes_view(found))
