"""``stream identity``: which ids are one person, why, and what people decide about it."""

import getpass
from typing import Any

import click
import orjson

from stream.cli.erasing import erase_states
from stream.cli.identity_deciding import decide_identity
from stream.cli.identity_lookup import events_lately, id_of, resolver_near, shared_in
from stream.cli.identity_suggest import suggest
from stream.cli.identity_view import reasons
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.saying import say
from stream.errors import StorageError
from stream.identity.records import IdentityDecision
from stream.identity.resolver import Resolver
from stream.identity.sent import MAX_IDS
from stream.projections.arrivals import Arrivals
from stream.projections.identity import Identity
from stream.projections.protocol import Projection
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["identity"]


@click.group()
def identity() -> None:
    """Show which ids are one person, and why; merge customers and take them apart.

    An ID is a customer id, or an identifier with its kind: email:ann@example.com, phone:+4930123456, card:4711. The
    projection `identity` must be running.
    """


@identity.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Redis", "Topics", "Events")
def show(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show the customer of ID, and all other ids of theirs. Exit status 1 if nothing links ID to another."""
    name, resolver = _known(settings, customer_id)
    customer = resolver.customer_of(name)
    ids = sorted(one for one in resolver.nodes if resolver.customer_of(one) == customer)
    with ProjectionDesk(settings) as desk:
        events = events_lately(desk, ids)
    if events > MAX_IDS:
        say(
            f"these ids have {events:,} events of 90 days, and a profile remembers {MAX_IDS:,}: when ids are joined,"
            " the oldest are not counted (dead letters too_late)"
        )
    if as_json:
        click.echo(orjson.dumps({"customer_id": customer, "ids": ids}, option=orjson.OPT_INDENT_2))
        return
    click.echo(customer)
    for one in ids:
        if one != customer:
            click.echo(f"    {one}")


@identity.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--trail", is_flag=True, help="Also all that was ever told of these ids: when, by whom or by what event.")
@with_settings("Redis", "Kafka", "Topics", "Events")
def why(settings: Settings, *, customer_id: str, trail: bool) -> None:
    """Show the links that join ID with others, and those that join nothing. Exit status 1 if there are none."""
    name, resolver = _known(settings, customer_id)
    found = resolver.why(name)
    click.echo(f"{name} belongs to {resolver.customer_of(name)}")
    for line in reasons(resolver, found):
        click.echo(f"    {line}")
    if trail:
        from stream.cli.identity_trail import trail_of

        customer = resolver.customer_of(name)
        ids = {name, *(one for one in resolver.nodes if resolver.customer_of(one) == customer)}
        click.echo("told, in this order:")
        for line in trail_of(settings, ids):
            click.echo(f"    {line}")


@identity.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Redis", "Topics")
def shared(settings: Settings, *, as_json: bool) -> None:
    """Show the identifiers that too many customers share, and so join nobody: a family's address, the shop's tablet.

    `merge` joins an id with a customer all the same.
    """
    with ProjectionDesk(settings) as desk:
        found = {name: (sorted(node.customers()), node.overflowed) for name, node in shared_in(desk).items()}
    if as_json:
        shown = [{"id": name, "customers": customers, "more": more} for name, (customers, more) in found.items()]
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    for name, (customers, more) in found.items():
        click.echo(f"{name}: {', '.join([*customers, *(['and more'] if more else [])])}")


@identity.command(cls=SettingsCommand)
@click.argument("one", metavar="ID")
@click.argument("into", metavar="INTO")
@click.option("--by", default=getpass.getuser, help="Who decides. [the user]")
@with_settings("Kafka", "Topics", "Events")
def merge(settings: Settings, *, one: str, into: str, by: str) -> None:
    """Decide that ID is the same person as INTO, which stays as the customer."""
    _decide(settings, "merge", one, into, by)


@identity.command(cls=SettingsCommand)
@click.argument("one", metavar="ID")
@click.argument("other", metavar="OTHER")
@click.option("--by", default=getpass.getuser, help="Who decides. [the user]")
@with_settings("Kafka", "Topics", "Events")
def unmerge(settings: Settings, *, one: str, other: str, by: str) -> None:
    """Decide that ID and OTHER are two persons, whatever else links them, until a later merge of the two."""
    _decide(settings, "unmerge", one, other, by)


@identity.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--timeout-s", default=30.0, show_default=True, help="How long to wait for the workers.")
@with_settings("Redis", "Topics", "Events")
def erase(settings: Settings, *, customer_id: str, timeout_s: float) -> None:
    """Forget every id of the person that ID is of: whose it is, what links it, and events that wait for it.

    What other projections, the core and the log keep of the person stays: see docs/security.md.
    """
    name = id_of(settings, customer_id)
    projections: list[Projection[Any]] = [Identity(settings)]
    if settings.join_identities:
        # first what leads to the customer
        projections.insert(0, Arrivals(settings))
    with ProjectionDesk(settings) as desk:
        resolver = resolver_near(desk, name)
        customer = resolver.customer_of(name)
        ids = sorted({name, *(one for one in resolver.nodes if resolver.customer_of(one) == customer)})
        for projection in projections:
            erase_states(desk, projection, ids, timeout_s)
    for one in ids:
        click.echo(f"erased {one}")


identity.add_command(suggest)


def _known(settings: Settings, customer_id: str) -> tuple[str, Resolver]:
    name = id_of(settings, customer_id)
    with ProjectionDesk(settings) as desk:
        resolver = resolver_near(desk, name)
    if name not in resolver.nodes:
        raise StorageError(f"nothing links {name} to another id: does the projection identity run?")
    return name, resolver


def _decide(settings: Settings, what: IdentityDecision, one: str, other: str, by: str) -> None:
    first, second = id_of(settings, one), id_of(settings, other)
    link_id = decide_identity(settings, what, first, second, by)
    click.echo(f"recorded the {what} of {first} and {second} as {link_id}", err=True)
