"""``stream quarantine``: customers whose stored profile cannot be read, and taking them up again."""

import time
from collections.abc import Iterator

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.republishing import dlq_header, publish_all, republished
from stream.errors import CodecError, StorageError
from stream.events.rejections import Defect
from stream.notifications.inbound import Inbound
from stream.notifications.read_to_end import read_to_end
from stream.settings import Settings
from stream.storage.quarantine_desk import Quarantined, QuarantineDesk

__all__ = ["check_document", "quarantine"]

WAIT_S = 30.0
_POLL_S = 0.2


@click.group()
def quarantine() -> None:
    """Show customers whose stored profile cannot be read, and take them up again."""


@quarantine.command("list", cls=SettingsCommand)
@with_settings("Redis", "Topics")
def list_(settings: Settings) -> None:
    """Show who is set aside and why, a line each. Their events wait in the dead letters."""
    with QuarantineDesk(settings) as desk:
        for found in desk.quarantined():
            click.echo(f"{found.customer}\tpartition {found.partition}\t{found.why}")


@quarantine.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--forget", is_flag=True, help="Begin anew: delete what is stored of the customer.")
@with_settings("Kafka", "Redis", "Topics")
def release(settings: Settings, *, customer_id: str, forget: bool) -> None:
    """Process customer ID again, and publish again the events that came since.

    The stored document must be readable by now, for example from a backup; with --forget the customer begins anew with
    the events that came since. Exit status 1 if no worker takes the customer up.
    """
    from stream.cli.identity_lookup import stored_id

    customer_id = stored_id(settings, customer_id)
    with QuarantineDesk(settings) as desk:
        found = next((one for one in desk.quarantined() if one.customer == customer_id), None)
        if found is not None:
            if not forget:
                check_document(desk.document(found), found.customer)
            desk.release(found, forget=forget)
            _wait_until_released(desk, found)
    # also when the customer was released before, by a call that did not come so far
    published = _publish(settings, customer_id)
    if found is None and not published:
        raise StorageError(f"customer {customer_id!r} is not set aside: see `stream quarantine list`")
    click.echo(f"{customer_id} is processed again; {published:,} events were published again")


def check_document(document: bytes | None, customer: str) -> None:
    """Raise `StorageError` for a stored document that a worker cannot read."""
    from stream.features.codec import unpack
    from stream.processing.stored_profile import profile_in

    try:
        # there is no profile in that of a customer who is another one now
        if document is not None and (packed := profile_in(document, customer)) is not None:
            unpack(packed, customer)
    except CodecError as error:
        raise StorageError(
            f"the document of {customer!r} still cannot be read ({error}): restore it, or use --forget"
        ) from error


def _wait_until_released(desk: QuarantineDesk, found: Quarantined) -> None:
    deadline = time.monotonic() + WAIT_S
    while any(one.customer == found.customer for one in desk.quarantined()):
        if time.monotonic() > deadline:
            raise StorageError(
                f"no worker has taken {found.customer!r} up within {WAIT_S:g} s: the wish is noted; start a worker, "
                "and call this again to publish the events that came since"
            )
        time.sleep(_POLL_S)


def _publish(settings: Settings, customer_id: str) -> int:
    """Publish the customer's dead letters of this reason again, as they came; what counted already is dropped."""
    return publish_all(settings, map(republished, _waiting(settings, customer_id.encode())))


def _waiting(settings: Settings, key: bytes) -> Iterator[Inbound]:
    for record in read_to_end(settings, settings.dead_letters):
        if record.key == key and dlq_header(record, "reason") == Defect.QUARANTINED.value:
            yield record
