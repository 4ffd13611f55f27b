"""``stream demo``: everything on this machine, over real events."""

import secrets
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from stream.cli.bundled import bundled
from stream.cli.console import console_for_people
from stream.cli.log_horizon import fit_to_log
from stream.cli.log_input import LogInput
from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.signals import Interrupted, interruptible
from stream.cli.topics import create_topics
from stream.clock import SystemClock
from stream.errors import PublishError, StorageError, TopologyError
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.reporting.writing import Writing
from stream.settings import Settings

__all__ = ["demo"]

PARTITIONS = 4
#: A year of the bundled events in about half a minute.
DEFAULT_RATE = 5000.0
#: The bundled events go by at about this pace at that rate.
DEFAULT_DAYS_PER_S = 14.0

#: What is read of the feedback that the demo makes up, and what joins the ids of the person whom it makes up.
_PROJECTIONS = "satisfaction,ratings,surveys,complaints,channels,texts,classification,identity,arrivals"
_HISTORY_DAYS = 90
_LOG = "complete_journey_events.csv.gz"
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=SettingsCommand)
@click.option(
    "--file", "log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another log of events."
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=DEFAULT_RATE,
    show_default=True,
    help="Events published a second, 0: as fast as possible.",
)
@click.option(
    "--days-per-second",
    type=click.FloatRange(min=0),
    default=DEFAULT_DAYS_PER_S,
    show_default=True,
    help="Days of event time that pass in a second at most, 0: as --rate has it. Without effect if --rate is 0.",
)
@click.option("--workers", type=click.IntRange(min=1, max=64), default=2, show_default=True, help="Worker processes.")
@click.option("--keep", is_flag=True, help="Go on until Ctrl-C, to connect from another shell.")
@click.option(
    "--until-now/--as-dated",
    default=None,
    help="Move the log by whole weeks, up to the present, or leave its times. [the bundled one is moved]",
)
@click.option("--summary", type=_OUT, help="Write the figures to this file, as JSON.")
@click.option("--svg", type=_OUT, help="Write the last display to this file, as a picture.")
@log_options
@with_settings("Labels", "Alerts", "Events", "Time", "Worker")
@click.pass_context
def demo(
    ctx: click.Context,
    settings: Settings,
    *,
    log: Path | None,
    rate: float,
    days_per_second: float,
    workers: int,
    keep: bool,
    summary: Path | None,
    svg: Path | None,
    until_now: bool | None,
    options: LogOptions,
) -> None:
    """Start a broker, Redis and workers, publish a year of real events, and watch.

    The year is moved by whole weeks so that it reaches the present, and what lies after it is left out; with --keep it
    is published when its time has come. So events of your own, sent meanwhile, are events of today. --limit takes the
    latest events of a log that is moved, the earliest of one that is not.

    The bundled log has no feedback: the demo makes some up (ratings, complaints, texts), so that `stream feedback` and
    open complaints have something to show. It is the same each time, and nothing of it reaches a model. After the log
    it shows the path of one person, who is made up as well: clicks that nobody knows, a login, an order, a mail.

    Everything listens on 127.0.0.1, on free ports, in a temporary directory, and is gone afterwards. Other settings
    than those below have no effect here.

    The model learns in wall time: what a label teaches reaches the scores half a second to a second later. At the
    default rate a second is twelve days of events, and at most 14 of a small log, so the scores come from a model
    that is that much older than a live one; at a higher rate it is older still, and --rate 0 leaves the one trainer
    behind altogether.

    Exit status 0 if every event published was taken in, every label learned, all sums add up and few events of the log
    were rejected.
    """
    if log is not None and settings.horizon_days == 0.0:
        settings = fit_to_log(settings, LogInput(log, options, settings).all_events(), SystemClock().now_ms())
    settings = replace(
        settings,
        shop_currency=Writing.of(settings, lambda: options.form.currency).currency,
        identity_key=settings.identity_key or secrets.token_hex(32),
    )
    source = LogInput(log or bundled(_LOG), options, settings)
    if log is None:
        settings = replace(
            settings, projections=_PROJECTIONS, join_identities=True, identity_history_days=_HISTORY_DAYS
        )
    console = console_for_people()
    try:
        with (
            interruptible(),
            tempfile.TemporaryDirectory(prefix="stream-demo-") as directory,
            LocalStack(Path(directory), settings, partitions=PARTITIONS) as stack,
        ):
            create_topics(stack.settings)
            with WorkerProcesses(stack.settings, workers, Path(directory)) as processes:
                # Compiled code and the events take seconds to load, here as in the workers: side by side.
                from stream.cli.demo_part import DemoPlan, perform

                plan = DemoPlan(
                    rate=rate,
                    days_per_second=days_per_second if rate else 0.0,
                    limit=options.limit,
                    until_now=log is None if until_now is None else until_now,
                    made_up=log is None,
                    keep=keep,
                    summary=summary,
                    svg=svg,
                )
                try:
                    result = perform(plan, source, console, stack, processes, Path(directory))
                except (PublishError, StorageError, TopologyError):
                    # no address is wrong, where a server of this very run has died
                    stack.check()
                    raise
    except Interrupted as interrupted:
        click.echo(f"stream: {interrupted}: everything has been stopped", err=True)
        ctx.exit(interrupted.exit_status)
    too_many = source.tell()
    problems = [*result.problems()]
    for problem in problems:
        click.echo(f"stream: {problem}", err=True)
    if problems or too_many:
        ctx.exit(1)
