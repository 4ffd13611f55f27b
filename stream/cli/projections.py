"""``stream projections``: how far they are, and building them again."""

from dataclasses import asdict
from typing import Any

import click
import orjson

from stream.cli.directory_at import (
    DIRECTORY,
    customer_object,
    described,
    directory_is_there,
    erase_from_directory,
    open_directory,
)
from stream.cli.erasing import erase_states
from stream.cli.options import SettingsCommand, with_settings
from stream.errors import SettingsError, StorageError
from stream.projections.protocol import Description, Projection
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["projections"]


@click.group()
def projections() -> None:
    """Show the projections, read their states, and build them again."""


@projections.command(name="list", cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@with_settings("Redis", "Topics")
def list_(settings: Settings, *, as_json: bool) -> None:
    """Show every projection: what it is, its version, and how much of the log is in its states."""
    from stream.projections.all_projections import PROJECTIONS

    with ProjectionDesk(settings) as desk:
        known = [_description(settings, name) for name in PROJECTIONS]
        found = [(one, desk.progress(one.name, one.version)) for one in known]
    shown = [
        {
            **asdict(one),
            "generation": progress.generation,
            "partitions": len(progress.states),
            "folded": progress.folded,
            "dead_letters": progress.dead_letters,
        }
        for one, progress in found
    ]
    if directory_is_there(settings):
        shown.append(described(settings))
    if as_json:
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    for one in shown:
        click.echo(f"{one['name']} (version {one['version']}, generation {one['generation']}): {one['what']}")
        click.echo(f"    reads {', '.join(one['topics'])}; a state for each {one['key']}")
        click.echo(
            f"    {one['folded']:,} messages folded in {one['partitions']} of {settings.partitions} partitions, "
            f"{one['dead_letters']:,} dead letters"
        )


@projections.command(cls=SettingsCommand)
@click.argument("name")
@click.argument("key")
@with_settings("Redis", "Topics")
def show(settings: Settings, *, name: str, key: str) -> None:
    """Show the state of KEY in the projection NAME, as JSON. Exit status 1 if there is none.

    Where a customer has several states, as in `texts`, KEY is the customer and all are shown; so they are where several
    partitions may have one, as in `consents`.
    """
    from stream.cli.identity_lookup import stored_id

    key = stored_id(settings, key)
    if name == DIRECTORY:
        with open_directory(settings) as store:
            click.echo(orjson.dumps(customer_object(store, key), option=orjson.OPT_INDENT_2))
        return
    projection = _projection(settings, name)
    version, home = projection.version, projection.home or key
    with ProjectionDesk(settings) as desk:
        if projection.erased_in(key) is None:
            found: list[bytes | None] = [*desk.shared(name, version, key)]
            state = found[0] if len(found) == 1 else None
        else:
            state = desk.state(name, version, key, home)
            others = [] if state is not None else [other for other in projection.erase(key) if other != key]
            found = [desk.state(name, version, other, home) for other in others]
    states = [orjson.loads(one) for one in found if one is not None]
    if state is None and not states:
        raise StorageError(f"projection {name} has no state of {key}: has it been running (`stream projections list`)?")
    click.echo(orjson.dumps(orjson.loads(state) if state is not None else states, option=orjson.OPT_INDENT_2))


@projections.command(cls=SettingsCommand)
@click.argument("name")
@with_settings("Redis", "Topics")
def rebuild(settings: Settings, *, name: str) -> None:
    """Fold the projection NAME anew from the start of the log; nothing else is touched.

    Workers begin within seconds. Until they have caught up, its states are of the past. The directory is rebuilt by
    `stream directory run`.
    """
    if name == DIRECTORY:
        with open_directory(settings) as store:
            click.echo(f"its rows are deleted: `stream directory run` makes them anew, as generation {store.rebuild()}")
        return
    with ProjectionDesk(settings) as desk:
        generation = desk.rebuild(name, _description(settings, name).version)
    click.echo(f"asked for: workers fold {name} anew, as generation {generation}")


@projections.command(cls=SettingsCommand)
@click.argument("name")
@click.argument("customer_id")
@click.option("--timeout-s", default=30.0, show_default=True, help="How long to wait for the worker, 0: not at all.")
@with_settings("Redis", "Topics")
def erase(settings: Settings, *, name: str, customer_id: str, timeout_s: float) -> None:
    """Forget the states of a customer in the projection NAME.

    Events that come later, or come again with a rebuild, are folded as those of a new customer.
    """
    from stream.cli.identity_lookup import stored_id

    customer_id = stored_id(settings, customer_id)
    if name == DIRECTORY:
        erase_from_directory(settings, customer_id)
        click.echo(f"erased from {name}")
        return
    projection = _projection(settings, name)
    with ProjectionDesk(settings) as desk:
        erase_states(desk, projection, [customer_id], timeout_s)
    click.echo(f"erased from {name}")


def _description(settings: Settings, name: str) -> Description:
    return _projection(settings, name).describe()


def _projection(settings: Settings, name: str) -> Projection[Any]:
    from stream.projections.all_projections import PROJECTIONS

    if name not in PROJECTIONS:
        raise SettingsError(f"there is no projection {name}; there are {', '.join((*PROJECTIONS, DIRECTORY))}")
    return PROJECTIONS[name](settings)
