"""``stream identity suggest``: customers who may be one person, for people to decide."""

from collections.abc import Iterator

import click
import orjson

from stream.cli.data_files import contacts_file
from stream.cli.identity_lookup import is_decided
from stream.cli.options import SettingsCommand, with_settings
from stream.identity.suggestions import Person, Suggestion, suggestions
from stream.imports.contacts import Contact
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["contact_in_words", "person_of", "suggest", "suggestion_in_words"]


@click.command(cls=SettingsCommand)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Show at most so many pairs.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Data", "Redis", "Topics")
def suggest(settings: Settings, *, limit: int, as_json: bool) -> None:
    """Show customers whose names and addresses nearly agree: they may be one person.

    Names and addresses are those that `stream import` has kept in the data directory. Nothing is applied: decide with
    `merge`, or with `unmerge`, after which a pair is not suggested again.
    """
    with contacts_file(settings) as file:
        contacts = dict(file.all())
    found = suggestions(person_of(*one) for one in contacts.items())

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
        click.echo(f"{pair.one} and {pair.other}: {suggestion_in_words(pair)}")
        for customer_id in pair[:2]:
            click.echo(f"    {customer_id}: {contact_in_words(contacts[customer_id])}")


def person_of(customer_id: str, contact: Contact) -> Person:
    """What of a contact is compared."""
    return Person(customer_id, contact.name, contact.email, contact.phone, contact.address)


def contact_in_words(contact: Contact) -> str:
    """Who somebody is, on one line."""
    return ", ".join(filter(None, (contact.name, contact.email, contact.phone, contact.address)))


def suggestion_in_words(pair: Suggestion) -> str:
    """What nearly agrees, and what is the same."""
    return ", ".join(
        [f"name {pair.name:.0f} %", f"address {pair.address:.0f} %", *(f"same {what}" for what in pair.same)]
    )
