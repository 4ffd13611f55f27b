"""``stream privacy``: what is kept of people, and what they may ask for."""

from __future__ import annotations

import click
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

__all__ = ["privacy"]


@click.group()
def privacy() -> None:
    """Show what is kept of people."""


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
