"""``stream models``: show and compare the models, and choose the one that scores."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from typing import Any

import click

from stream.cli.backtest_value import backtest_value
from stream.cli.options import SettingsCommand, with_settings
from stream.clock import SystemClock
from stream.errors import SnapshotError, StreamError
from stream.settings import Settings
from stream.storage.model_desk import ModelDesk, ModelsStored

__all__ = ["models", "promote_model", "roll_back"]


class ModelsError(StreamError):
    """A decision about models that cannot be carried out."""


def _operator() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _decides(function: Callable[..., None]) -> Callable[..., None]:
    """Options that every decision has."""
    by = click.option("--by", default=_operator, show_default="user@host", help="Who decides: kept in the record.")
    return by(with_settings("Redis")(function))


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON; without a command only.")
@click.pass_context
def models(ctx: click.Context, *, as_json: bool) -> None:
    """Show the models, and choose the one that scores.

    Several churn models learn side by side; the champion scores. Workers follow a decision within two seconds.
    Without a command: list.
    """
    if ctx.invoked_subcommand is None:
        arguments = ["--json"] if as_json else []
        list_models.main(args=arguments, prog_name=ctx.info_name, standalone_mode=False)
    elif as_json:
        raise click.UsageError("--json goes behind the command: stream models list --json")


models.add_command(backtest_value)


@models.command("list", cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
@with_settings("Redis")
def list_models(settings: Settings, *, as_json: bool) -> None:
    """Show the contenders with role, version and recent figures, earlier snapshots, and what was decided."""
    import orjson

    from stream.cli.console import console_for_people
    from stream.cli.models_view import as_fields, models_view

    with ModelDesk(settings) as desk:
        stored = desk.look()
    if as_json:
        click.echo(orjson.dumps(as_fields(stored), option=orjson.OPT_INDENT_2))
    else:
        console_for_people().print(models_view(stored))


@models.command(cls=SettingsCommand)
@click.argument("name")
@_decides
def promote(settings: Settings, *, name: str, by: str) -> None:
    """Let the contender NAME score from now on, regardless of the figures; ends a freeze."""
    with ModelDesk(settings) as desk:
        version = promote_model(desk, name, by)
    click.echo(f"{name} scores from now on, at version {version} or later")


@models.command(cls=SettingsCommand)
@_decides
def automatic(settings: Settings, *, by: str) -> None:
    """Let the contenders' figures choose the champion again; ends a promotion and a freeze."""
    with ModelDesk(settings) as desk:
        _require_models(desk.automatic(by=by, now_ms=SystemClock().now_ms()))
        name, version = desk.look().in_use
    click.echo(f"the figures choose again: {name}, at version {version} or later")


@models.command(cls=SettingsCommand)
@click.option("--to", "target", type=click.IntRange(min=1), help="This version instead of the one before.")
@_decides
def rollback(settings: Settings, *, target: int | None, by: str) -> None:
    """Score with an earlier snapshot, and freeze it: the newest that is older than the one in use."""
    with ModelDesk(settings) as desk:
        name, version = roll_back(desk, by, target)
    click.echo(f"{name} at version {version} scores from now on, and stays until `stream models unfreeze`")


@models.command(cls=SettingsCommand)
@_decides
def freeze(settings: Settings, *, by: str) -> None:
    """Keep the snapshot in use as it is; the models go on learning."""
    with ModelDesk(settings) as desk:
        desk.freeze(by=by, now_ms=SystemClock().now_ms())
        name, version = desk.look().in_use
    click.echo(f"{name} at version {version} stays" if name else "the first snapshot will wait for an unfreeze")


@models.command(cls=SettingsCommand)
@_decides
def unfreeze(settings: Settings, *, by: str) -> None:
    """Follow what is learned again."""
    with ModelDesk(settings) as desk:
        _require_models(desk.unfreeze(by=by, now_ms=SystemClock().now_ms()))
        name, version = desk.look().in_use
    click.echo(f"{name} scores, at version {version} or later")


def promote_model(desk: ModelDesk, name: str, by: str) -> int:
    """Let a contender score; returns its version. Raises `ModelsError`."""
    from stream.online_models.snapshot import decode_snapshot

    candidates = desk.look().candidates
    if name not in candidates:
        known = ", ".join(sorted(candidates)) or "none yet: no trainer has saved anything"
        raise ModelsError(f"there is no model {name!r}; there are: {known}")
    churn = decode_snapshot(candidates[name]).churn
    if not churn.ready:
        raise ModelsError(
            f"{name} has not learned enough labels since it began to score customers: wait, or see `stream models`"
        )
    if not desk.promote(name, by=by, now_ms=SystemClock().now_ms()):
        raise ModelsError(f"{name} has gone while it was promoted: look at `stream models list`")
    return churn.version


def roll_back(desk: ModelDesk, by: str, target: int | None = None) -> tuple[str, int]:
    """Score with an earlier snapshot; returns its name and version. Raises `ModelsError`."""
    name, version, snapshot = _earlier(desk.look(), target)
    desk.rollback(name, version, snapshot, by=by, now_ms=SystemClock().now_ms())
    return name, version


def _require_models(done: bool) -> None:
    if not done:
        raise ModelsError("there are no models yet: no trainer has saved anything under this namespace")


def _earlier(stored: ModelsStored, target: int | None) -> tuple[str, int, bytes]:
    """Name, version and sealed snapshot to go back to; kept snapshots that do not verify are passed over."""
    from stream.online_models.snapshot import decode_snapshot

    found: dict[int, tuple[str, bytes]] = {}
    refused = []
    for sealed in stored.kept:
        try:
            churn = decode_snapshot(sealed).churn
        except SnapshotError as error:
            refused.append(str(error))
        else:
            found.setdefault(churn.version, (churn.name, sealed))
    _, present = stored.in_use
    _require_models(bool(stored.kept or present))
    choice: Any = target if target is not None else max((v for v in found if v < present), default=None)
    if choice not in found:
        known = ", ".join(str(version) for version in sorted(found, reverse=True)) or "none"
        why = f"; {len(refused)} kept snapshots are refused: {refused[0]}" if refused else ""
        wanted = f"version {target}" if target is not None else f"a version before {present}"
        raise ModelsError(f"{wanted} is not kept; kept versions: {known}{why}")
    name, sealed = found[choice]
    return name, choice, sealed
