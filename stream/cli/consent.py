"""``stream consent``: what a customer agreed to, and recording it."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import click
import orjson

from stream.catalogue.events import CONTACT_CHANNELS, PURPOSES
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.settings import Settings

__all__ = ["consent"]

_TIMEOUT_S: Final = 15.0
_SAID: Final = (
    click.argument("customer_id", metavar="ID"),
    click.argument("purpose", type=click.Choice([*PURPOSES])),
    click.option("--channel", type=click.Choice(CONTACT_CHANNELS), help="Only for this channel of contact. [for all]"),
    click.option("--source", help="Where the customer said so, such as a form or a call."),
    click.option("--version", "version", help="Which wording it was."),
    click.option("--by", default=getpass.getuser, help="Who records it. [the user]"),
)


@click.group()
def consent() -> None:
    """Show what a customer agreed to, and record it."""


def _recording(callback: Callable[..., None]) -> click.Command:
    """A command that records what a customer said."""
    with_options = with_settings("Kafka", "Topics", "Events", "Time")(callback)
    for option in reversed(_SAID):
        with_options = option(with_options)
    return consent.command(cls=SettingsCommand)(with_options)


@consent.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@with_settings("Redis", "Topics", "Shop", "Privacy", local=Local.REDIS)
def show(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show what holds of customer ID for each purpose and channel, and everything that was said, with its source.

    ID is what `stream customer` takes. Needs the projection `consents` (STREAM_PROJECTIONS=consents); without it, what
    the default allows.
    """
    from stream.cli.data_files import data_directory
    from stream.cli.identity_lookup import id_of
    from stream.cli.saying import say
    from stream.projections.consents import Consents
    from stream.reporting.consent_lines import history_lines, standing_lines, standing_of
    from stream.reporting.writing import Writing
    from stream.storage.consent_desk import ConsentDesk

    now_ms, customer_id = time.time_ns() // 1_000_000, id_of(settings, customer_id)
    with ConsentDesk(settings) as desk:
        consented = desk.read([customer_id])
        # where `stream up` runs so does the projection: then nothing has been said yet
        if not desk.read_to(Consents.name, Consents.version) and data_directory(settings).running() is None:
            say("nothing that customers say has been read yet: does a worker with STREAM_PROJECTIONS=consents run?")
    standing = standing_of(consented.of(customer_id), now_ms, consented.default)
    if as_json:
        click.echo(orjson.dumps({"customer_id": customer_id, **standing}, option=orjson.OPT_INDENT_2))
        return
    writing = Writing.of(settings)
    for line in (*standing_lines(standing), *history_lines(consented.of(customer_id), writing)):
        click.echo(line)


@_recording
def grant(settings: Settings, *, customer_id: str, **said: Any) -> None:
    """Record that customer ID agreed to PURPOSE. It is published as an event, which stays as the record of it.

    ID is what `stream customer` takes.
    """
    _publish(settings, customer_id, "granted", **said)


@_recording
def withdraw(settings: Settings, *, customer_id: str, **said: Any) -> None:
    """Record that customer ID takes PURPOSE back. It is published as an event, which stays as the record of it.

    ID is what `stream customer` takes.
    """
    _publish(settings, customer_id, "withdrawn", **said)


def _publish(
    settings: Settings, customer_id: str, name: Any, *, purpose: Any, channel: Any, **said: str | None
) -> None:
    # the contract takes part of a second to import: not for the help of other commands
    from stream.cli.identity_lookup import id_of
    from stream.cli.not_erased import check_not_erased
    from stream.client.producer import Producer
    from stream.events.model import ConsentEvent
    from stream.events.times import instant

    customer_id = id_of(settings, customer_id)
    sources = (said["source"], f"stream consent by {said['by']}")
    event = ConsentEvent(
        event_id=str(uuid.uuid4()),
        customer_id=customer_id,
        occurred_at=instant(time.time_ns() // 1_000_000),
        name=name,
        purpose=purpose,
        contact_channel=channel,
        source=", ".join(one for one in sources if one),
        version=said["version"],
    )
    check_not_erased(settings, customer_id)
    with Producer(settings, delivery_timeout_s=_TIMEOUT_S) as producer:
        producer.publish(event)
    of = event.purpose if event.contact_channel is None else f"{event.purpose} by {event.contact_channel}"
    click.echo(f"recorded: {customer_id} has {name} {of}, as {event.event_id}", err=True)
