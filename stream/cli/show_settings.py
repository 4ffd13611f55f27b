"""``stream settings``."""

from dataclasses import fields
from itertools import groupby

import click
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

__all__ = ["show_settings"]


@click.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_settings()
def show_settings(settings: Settings, *, as_json: bool) -> None:
    """Show the settings in effect: defaults, STREAM_ variables and options together; passwords are masked."""
    shown = settings.masked()
    if as_json:
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    width = max(map(len, shown))
    for group, declarations in groupby(fields(settings), key=lambda declaration: declaration.metadata["group"]):
        click.echo(f"# {group}")
        for declaration in declarations:
            click.echo(f"{declaration.name:<{width}}  {shown[declaration.name]}".rstrip())
