"""``stream customer``: everything about one customer."""

import click
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.errors import StorageError
from stream.events.partition import partition_of
from stream.features.registry import DAY_MS
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore
from stream.storage.overview import Overview

__all__ = ["customer"]


@click.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The document, with its packed state unpacked.")
@with_settings("Redis", "Topics", "Labels")
def customer(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show everything about customer ID: history, risk and reasons, features, timers.

    It is what the last event or timer of the customer left, as of the time shown. Exit status 1 if there is no such
    customer.
    """
    with Overview(settings) as overview:
        found = overview.find(customer_id)
        encoded = None if found is None or as_json else overview.snapshot()
    with NotificationStore(settings) as notifications:
        (known,) = notifications.known([customer_id])
    if found is None:
        raise StorageError(
            f"there is no customer {customer_id!r} under {settings.namespace!r}: no event of theirs was ever taken in,"
            " or the last one is so long ago that the document has expired"
        )
    partition, document = found
    expected = partition_of(customer_id, settings.partitions)
    if partition != expected:
        click.echo(
            f"stream: found in partition {partition}, where {settings.partitions} partitions would put it"
            f" in {expected}: set partitions to what the event topics have",
            err=True,
        )
    # Compiled code and models take seconds to import: only for what is going to be shown.
    from stream.cli.profile_view import readable_profile
    from stream.processing.document import packed_state

    fields = orjson.loads(document)
    profile = readable_profile(packed_state(document), int(settings.horizon_days * DAY_MS))
    if as_json:
        told = {"actions": [orjson.loads(record) for record in known.actions.values()], "held_out": known.held_out}
        click.echo(orjson.dumps({**fields, **told, "state": profile}, option=orjson.OPT_INDENT_2))
        return
    from stream.cli.console import console_for_people
    from stream.cli.customer_view import customer_view
    from stream.online_models.snapshot import decode_snapshot

    snapshot = None if encoded is None else decode_snapshot(encoded)
    console_for_people().print(customer_view(fields, profile, snapshot, known))
