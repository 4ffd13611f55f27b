"""``stream console token``: which programs may use the API of the console, and for what."""

import time

import click
import orjson

from stream.cli.directory_at import open_desk
from stream.cli.options import SettingsCommand, with_settings
from stream.directory.desk.account_names import require_name
from stream.errors import SettingsError
from stream.events.times import rfc3339
from stream.settings import Settings

__all__ = ["token"]

_SCOPES = ("read", "act")


@click.group()
def token() -> None:
    """Say which programs may use the API of the console: to `read` customers and figures, to `act` for people."""


@token.command(cls=SettingsCommand)
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(_SCOPES), default=("read",), show_default=True)
@with_settings("Directory")
def add(settings: Settings, *, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token for the program NAME and print it; it is shown this once."""
    require_name(name)
    with open_desk(settings) as desk:
        from stream.directory.desk.api_tokens import ApiTokens, Scope

        made = ApiTokens(desk.engine).add(name, {Scope(one) for one in scopes}, time.time_ns() // 1_000_000)
    click.echo(made)


@token.command("list", cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_settings("Directory")
def list_tokens(settings: Settings, *, as_json: bool) -> None:
    """Show which programs have a token, and for what."""
    with open_desk(settings) as desk:
        from stream.directory.desk.api_tokens import ApiTokens

        found = ApiTokens(desk.engine).all()
    if as_json:
        shown = [{"name": one.name, "scopes": sorted(one.scopes), "added_at": rfc3339(one.made_ms)} for one in found]
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    for one in found:
        click.echo(f"{one.name}: {', '.join(sorted(one.scopes))}")


@token.command(cls=SettingsCommand)
@click.argument("name")
@with_settings("Directory")
def remove(settings: Settings, *, name: str) -> None:
    """Take the token of the program NAME back."""
    with open_desk(settings) as desk:
        from stream.directory.desk.api_tokens import ApiTokens

        if not ApiTokens(desk.engine).remove(name):
            raise SettingsError(f"there is no token {name!r}")
    click.echo(f"{name} may no longer use the API", err=True)
