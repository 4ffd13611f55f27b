"""``stream actions record``: tell the program what was done about a customer."""

import time
import uuid
from datetime import datetime

import click
import msgspec

from stream.alerts.action_records import Action, ActionKind
from stream.cli.identity_lookup import id_of
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.publish_action import publish_action
from stream.cli.saying import say
from stream.errors import SettingsError, StorageError
from stream.events.times import instant
from stream.settings import Settings
from stream.storage.overview import Overview

__all__ = ["actions"]


@click.group()
def actions() -> None:
    """Record what was done about customers."""


@actions.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("action", type=click.Choice([kind.value for kind in ActionKind if kind is not ActionKind.LABELLED]))
@click.option("--alert-id", help="The alert that led to it.")
@click.option("--actor", help="Who did it.")
@click.option("--note", help="What is worth knowing, at most 2,000 characters.")
@click.option("--at", help="When, RFC 3339 with offset. [now]")
@click.option("--action-id", help="A repeat under the same id is no second action. [a new one]")
@with_settings("Kafka", "Topics", "Redis", "Time")
def record(
    settings: Settings,
    *,
    customer_id: str,
    action: str,
    alert_id: str | None,
    actor: str | None,
    note: str | None,
    at: str | None,
    action_id: str | None,
) -> None:
    """Publish an ACTION about CUSTOMER: contacted, offer_accepted, resolved or false_alarm.

    CUSTOMER is what `stream customer` takes. The customer's view shows the action, and for a time nobody is told of the
    customer again. Warns of a CUSTOMER whom nobody knows.
    """
    # not for the help of other commands: what erases takes a second to import
    from stream.cli.not_erased import check_not_erased

    now_ms, customer_id = time.time_ns() // 1_000_000, id_of(settings, customer_id)
    taken = Action(
        action_id=action_id or str(uuid.uuid4()),
        customer_id=customer_id,
        action=ActionKind(action),
        occurred_at=instant(now_ms) if at is None else _instant(at),
        alert_id=alert_id,
        actor=actor,
        note=note,
    )
    check_not_erased(settings, customer_id)
    publish_action(settings, taken)
    _warn_of_stranger(settings, customer_id)
    click.echo(f"recorded {taken.action} of {customer_id} as {taken.action_id}", err=True)


def _warn_of_stranger(settings: Settings, customer_id: str) -> None:
    """A mistyped id is recorded too, so warn if no customer has it."""
    try:
        with Overview(settings) as overview:
            is_known = overview.find(customer_id) is not None
    except StorageError as error:
        say(f"whether there is a customer {customer_id!r} was not looked up: {error}")
        return
    if not is_known:
        click.echo(
            f"stream: no customer {customer_id!r} is known: the action is recorded all the same; if the id is mistyped,"
            " record it again under the right one",
            err=True,
        )


def _instant(text: str) -> datetime:
    try:
        return msgspec.convert(text, datetime, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"--at {text}: expected a time such as 2026-01-31T12:00:00Z") from error
