"""``stream worker``: process events until told to stop."""

import gc
import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from stream.cli.logs import configure_logging
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.supervisor import supervise
from stream.settings import ENV_PREFIX, Settings

__all__ = ["worker"]

GRACE_S = 30.0


@click.command(cls=SettingsCommand)
@click.option(
    "-n",
    "--processes",
    type=click.IntRange(min=1, max=1024),
    default=1,
    show_default=True,
    help="Worker processes.",
)
@with_settings()
@click.pass_context
def worker(ctx: click.Context, settings: Settings, *, processes: int) -> None:
    """Process events until told to stop (SIGTERM, Ctrl-C), which loses and repeats nothing.

    With -n, so many processes share the partitions; if one ends, all end, with exit status 1. A fixed metrics
    port is that of the first process, the others follow it; an instance id gets the number of its process.
    """
    configure_logging(settings)
    if processes > 1:
        command = [sys.executable, "-m", "stream", "worker"]
        ctx.exit(supervise(command, [*_environments(settings, processes)], grace_s=GRACE_S))
    # until all is loaded: what is imported stays, and looking for garbage among it takes a tenth of the start
    gc.disable()
    from stream.agents.worker import run

    run(settings)


def _environments(settings: Settings, processes: int) -> Iterator[dict[str, str]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    for number in range(processes):
        own = replace(
            settings,
            instance_id=f"{settings.instance_id}-{number}" if settings.instance_id else "",
            metrics_port=settings.metrics_port + number if settings.metrics_port > 0 else settings.metrics_port,
        )
        yield {**inherited, **own.to_env()}
