"""``stream privacy``: what is kept of people, and what they may ask for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import orjson

from stream.catalogue.wording import number_of
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.page_files import write_page
from stream.errors import SettingsError, StorageError
from stream.settings import Settings

__all__ = ["privacy"]


@click.group()
def privacy() -> None:
    """Show and export what is kept of people, and erase it."""


@privacy.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@with_settings("Topics", "Events", "Worker", "Privacy")
def report(settings: Settings, *, as_json: bool) -> None:
    """Write the register of processing: what is kept, why, how long, and who may see it.

    It follows from the declarations and the settings, so it is of this installation. As Markdown.
    """
    # the projections take seconds to import: not for the help of other commands
    from stream.reporting.processing_register import markdown, register_of

    found = register_of(settings)
    if as_json:
        click.echo(orjson.dumps([entry._asdict() for entry in found], option=orjson.OPT_INDENT_2))
    else:
        click.echo(markdown(found, settings), nl=False)


@privacy.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--timeout-s", default=60.0, show_default=True, help="How long to wait for the workers.")
@click.option(
    "--rewrite-files/--no-rewrite-files", default=True, show_default=True, help="Have Redis write its files anew."
)
@click.option("--json", "as_json", is_flag=True, help="The receipt, as JSON.")
@with_settings("Kafka", "Redis", "Topics", "Events", "Privacy")
def erase(settings: Settings, *, customer_id: str, timeout_s: float, rewrite_files: bool, as_json: bool) -> None:
    """Erase a person: everything under ID and all ids joined with it, from every store.

    ID is a customer id, or an identifier with its kind: email:ann@example.com. Workers must be running. What is
    interrupted goes on when asked for again. Prints the signed receipt, which is kept in the topic
    `privacy-requests`.
    """
    import msgspec

    from stream.cli.privacy_erasing import as_lines, erase_person

    def tell(line: str) -> None:
        click.echo(line, err=True)

    receipt = erase_person(settings, customer_id, timeout_s, tell, rewrite_files=rewrite_files)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(receipt), option=orjson.OPT_INDENT_2))
        return
    for line in as_lines(receipt):
        click.echo(line)


@privacy.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The directory.")
@with_settings("Kafka", "Redis", "Topics", "Events", "Directory")
def export(settings: Settings, *, customer_id: str, output: Path) -> None:
    """Write everything about a person to a directory: to read, to take along, and for another system.

    person.json has what all stores and topics have, person.html the same to be read, events.jsonl the events as
    `stream produce` takes them. Topics are read to their ends, which takes a while.
    """
    from stream.cli.privacy_erasing import ids_of_person
    from stream.cli.privacy_exporting import exported

    files = exported(settings, ids_of_person(settings, customer_id))
    if files is None:
        raise StorageError("nothing is kept of this person")
    write_page(output / "person.json", files.document, is_private=True)
    write_page(output / "events.jsonl", files.events, is_private=True)
    write_page(output / "person.html", files.page, is_private=True)
    click.echo(f"written to {output}: person.json, person.html, events.jsonl", err=True)


@privacy.command(cls=SettingsCommand)
@with_settings("Privacy")
def rotate(settings: Settings) -> None:
    """Wrap the keys of all persons with the newest master key.

    Put the new key before the old one first; processes that run find it by themselves in a file or in Vault. When this
    command is done, the old one can be taken away. What is interrupted goes on when asked for again.
    """
    from stream.privacy.person_keys import PersonKeys

    keys = PersonKeys.of(settings)
    if keys is None:
        raise SettingsError("there are no keys of persons: the setting privacy_keys is empty")
    with closing(keys):
        changed, total = keys.rotate()
        click.echo(f"{changed:,} of {total:,} keys are newly wrapped; all are under master key {keys.master}")


@privacy.command(cls=SettingsCommand)
@click.option("--public-key", multiple=True, help="Keys that may have signed, in hexadecimal digits. [that of here]")
@with_settings("Kafka", "Topics", "Events", "Privacy")
def verify(settings: Settings, *, public_key: tuple[str, ...]) -> None:
    """Check the receipts of all erasures: signatures, and that none is changed or missing. Exit status 1 if not."""
    from stream.cli.privacy_erasing import KAFKA_S, receipts_in, signing_key_file
    from stream.privacy.erasure_feed import ErasureFeed
    from stream.privacy.erasure_receipt import ReceiptSigner, faults

    file = signing_key_file(settings)
    keys = frozenset(public_key or ([ReceiptSigner(file).public_key] if file.exists() else []))
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        receipts = receipts_in(feed.erasures)
        waiting = sum(request.is_open for request in feed.erasures.requests)
    found = faults(receipts, keys)
    for fault in found:
        click.echo(fault, err=True)
    if found:
        raise StorageError("the receipts are not as they were written")
    signed = "" if keys else "; by whom is not known here: --public-key"
    whole = number_of(len(receipts), "receipt is", "receipts are")
    open_ones = number_of(waiting, "request is", "requests are")
    click.echo(f"{whole} whole{signed}; {open_ones} not done yet")
