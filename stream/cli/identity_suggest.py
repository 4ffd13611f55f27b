"""``stream identity suggest``: customers who may be one person, for people to decide."""

from collections.abc import Iterator

import click
import orjson

from stream.cli.data_files import contacts_file
from stream.cli.identity_lookup import is_decided
from stream.cli.options import SettingsCommand, with_settings
from stream.imports.contacts import Contact
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["suggest"]


@click.command(cls=SettingsCommand)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most pairs that are shown.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Data", "Redis", "Topics")
def suggest(settings: Settings, *, limit: int, as_json: bool) -> None:
    """Show customers whose names and addresses nearly agree: they may be one person.

    Names and addresses are those that `stream import` has kept in the data directory. Nothing is applied: decide with
    `merge`, or with `unmerge`, after which a pair is not suggested again.
    """
    from stream.identity.suggestions import Person, Suggestion, suggestions

    with contacts_file(settings) as file:
        contacts = dict(file.all())
    found = suggestions(
        Person(customer_id, contact.name, contact.email, contact.phone, contact.address)
        for customer_id, contact in contacts.items()
    )

    def undecided() -> Iterator[Suggestion]:
        with ProjectionDesk(settings) as desk:
            shown = 0
            for pair in found:
                if shown == limit:
                    return
                if not is_decided(desk, pair.one, pair.other):
                    shown += 1
                    yield pair

    if as_json:
        click.echo(orjson.dumps([pair._asdict() for pair in undecided()], option=orjson.OPT_INDENT_2))
        return
    for pair in undecided():
        agreeing = [f"name {pair.name:.0f} %", f"address {pair.address:.0f} %", *(f"same {what}" for what in pair.same)]
        click.echo(f"{pair.one} and {pair.other}: {', '.join(agreeing)}")
        for customer_id in pair[:2]:
            click.echo(f"    {customer_id}: {_told(contacts[customer_id])}")


def _told(contact: Contact) -> str:
    return ", ".join(filter(None, (contact.name, contact.email, contact.phone, contact.address)))
