"""``stream import``: a shop's own history, from the files that its shop system exports."""

import os
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import DECIMALS, Currency, Separator, Zone
from stream.cli.reach import Local, reach
from stream.cli.saying import say
from stream.imports.systems import SYSTEMS
from stream.settings import Settings

__all__ = ["import_"]

_SETTINGS: Final = ("Kafka", "Topics", "Redis", "Data", "Time", "Labels", "Events")


@click.command("import", cls=SettingsCommand)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--from", "system", type=click.Choice((*SYSTEMS, "generic")), help="Whose exports they are. [told by the columns]"
)
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    help="TOML file that says what the columns are; a proposal is written there if there is none.",
)
@click.option("--dry-run", is_flag=True, help="Read everything, show what would be imported, import nothing.")
@click.option("--report", type=click.Path(path_type=Path), help="Where to list the rows that are not used. [data dir]")
@click.option("--currency", type=Currency(), default="", metavar="CODE", help="Of amounts that name none.")
@click.option("--timezone", type=Zone(), help="Of times that have no offset. [that of the shop]")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="Order in dates that do not tell.")
@click.option("--decimal", type=click.Choice([*DECIMALS]), help="Decimal sign of amounts that do not tell.")
@click.option(
    "--line-items",
    type=click.Choice(["sum", "first"]),
    help="Rows with the same order number: sum their amounts, or each has the whole amount.",
)
@click.option("--encoding", default="", help="Of text files. [found out]")
@click.option(
    "--delimiter",
    type=Separator(),
    default="",
    metavar="CHARACTER",
    help="What separates cells in text files. [found out]",
)
@click.option("--sheet", default="", help="Of a spreadsheet. [the one with most rows]")
@click.option(
    "--max-rejected",
    type=click.FloatRange(0, 100),
    default=10.0,
    show_default=True,
    help="Exit status 1 if more than so many per cent of the rows are refused.",
)
@click.option("--no-wait", is_flag=True, help="Do not wait until workers have processed what was published.")
@with_settings(*_SETTINGS, local=Local.NEVER)
@click.pass_context
def import_(ctx: click.Context, /, settings: Settings, *, files: tuple[Path, ...], **given: Any) -> None:
    """Import the orders and customers in FILES, which a shop system has exported.

    Shopify, WooCommerce, Stripe, Square, Etsy, Amazon, eBay, PayPal and Lightspeed are known by their columns; of any
    other CSV file or spreadsheet it is proposed what the columns are. Give all files in one command: they are sorted
    together. Importing a file again, or a longer one, counts nothing twice. Names and addresses stay in the data
    directory.
    """
    # the libraries that read files take a while to load
    from stream.cli.import_run import ImportRun
    from stream.imports.days import zone_of
    from stream.imports.source import Options

    options = Options(
        system=given["system"] or "",
        mapping_file=given["mapping"],
        dates=given["dates"] or "",
        decimal=DECIMALS.get(given["decimal"] or "", ""),  # type: ignore[arg-type]
        currency=given["currency"],
        zone=given["timezone"] or (None if settings.shop_timezone == "UTC" else zone_of(settings.shop_timezone)),
        encoding=given["encoding"],
        delimiter=given["delimiter"],
        sheet=given["sheet"],
        line_items=given["line_items"] or "",
    )
    run = ImportRun(options, report=given["report"], max_rejected=given["max_rejected"], wait=not given["no_wait"])
    sources = run.look_at(files)
    with ExitStack() as opened:
        if not given["dry_run"]:
            names = {declaration.name for declaration in fields(Settings)}
            overrides = {name: value for name, value in ctx.params.items() if name in names}
            settings = opened.enter_context(reach(os.environ, overrides, Local.WORKERS, command="import"))
        try:
            status = run.dry(settings, sources) if given["dry_run"] else run.publish(settings, sources)
        except KeyboardInterrupt:
            say("stopped: run the same import again, which counts nothing twice")
            raise
        ctx.exit(status)
