"""``stream demo``: everything on this machine, over real events."""

import gzip
import tempfile
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from stream.cli.alert_feed import AlertFeed
from stream.cli.console import console_for_people
from stream.cli.demo_display import Display, write_svg
from stream.cli.demo_hints import go_on, print_next_steps
from stream.cli.demo_run import DemoRun, Progress
from stream.cli.list_at import example_of, list_at
from stream.cli.log_options import log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.paced_feed import PacedFeed
from stream.cli.produce import EventProducer
from stream.cli.report import print_result, print_today
from stream.cli.result import write_result
from stream.cli.signals import Interrupted, interruptible
from stream.cli.topics import create_topics
from stream.errors import EventLogError
from stream.events.log import read_log
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.overview import Overview

__all__ = ["demo"]

PARTITIONS = 4
#: A year of the bundled events in about half a minute.
DEFAULT_RATE = 5000.0

_BUNDLED = Path(__file__).parents[2] / "examples" / "complete_journey_events.csv.gz"
_GZIP_MAGIC = b"\x1f\x8b"
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
@click.option("--workers", type=click.IntRange(min=1, max=64), default=2, show_default=True, help="Worker processes.")
@click.option("--keep", is_flag=True, help="Go on until Ctrl-C, to connect from another shell.")
@click.option("--summary", type=_OUT, help="Write the figures to this file, as JSON.")
@click.option("--svg", type=_OUT, help="Write the last display to this file, as a picture.")
@log_options
@with_settings("Labels", "Alerts", "Events", "Worker")
@click.pass_context
def demo(
    ctx: click.Context,
    settings: Settings,
    *,
    log: Path | None,
    rate: float,
    workers: int,
    keep: bool,
    summary: Path | None,
    svg: Path | None,
    limit: int | None,
    timezone: ZoneInfo,
    currency: str,
) -> None:
    """Start a broker, Redis and workers, publish a year of real events, and watch.

    Everything listens on 127.0.0.1, on free ports, in a temporary directory, and is gone afterwards. Other settings
    than those below have no effect here.

    The model learns in wall time: what a label teaches reaches the scores half a second to a second later. At the
    default rate a second is twelve days of events, so the scores come from a model that is that much older than a live
    one; at a higher rate it is older still, and --rate 0 leaves the one trainer behind altogether.

    Exit status 0 if every event published was taken in, every label learned, and all sums add up.
    """
    path = log or _bundled()
    events = islice(read_log(path, timezone=timezone, currency=currency), limit)
    console = console_for_people()
    try:
        with (
            interruptible(),
            tempfile.TemporaryDirectory(prefix="stream-demo-") as directory,
            LocalStack(Path(directory), settings, partitions=PARTITIONS) as stack,
        ):
            own = stack.settings
            create_topics(own)
            with (
                WorkerProcesses(own, workers, Path(directory)) as processes,
                Overview(own) as overview,
                AlertFeed(own) as alerts,
            ):
                feed = PacedFeed(EventProducer(own), events, rate)
                run = DemoRun(stack, processes, overview, alerts, feed, _expected(path, limit))
                last = _watch(run, Display(console))
                result = run.result(last)
                if summary is not None:
                    write_result(result, summary)
                if svg is not None:
                    write_svg(last, alerts, svg)
                found = list_at(overview.documents(), own, last.snapshot, last.totals.stream_time_ms)
                print_result(console, result)
                print_today(console, found, Writing(own.shop_locale, currency, ZoneInfo("UTC")))
                print_next_steps(console, own, example_of(found), processes.metrics_addresses, keep=keep)
                if keep:
                    go_on(console, run)
    except Interrupted as interrupted:
        click.echo(f"stream: {interrupted}: everything has been stopped", err=True)
        ctx.exit(interrupted.exit_status)
    if problems := [*result.problems()]:
        for problem in problems:
            click.echo(f"stream: {problem}", err=True)
        ctx.exit(1)


def _watch(run: DemoRun, display: Display) -> Progress:
    """Show the run to its end; return what was to be seen then."""
    with display:
        display.say("starting the workers: a few seconds, a minute where the kernel has never been compiled")
        for waited_s in run.wait_until_ready():
            display.wait(f"starting the workers, {waited_s:.0f} s")
        last: Progress | None = None
        for last in run.progress():
            display.show(last, run.alerts)
        if last is None:
            raise AssertionError("a run shows at least its end")
        display.show(last, run.alerts, last=True)
        return last


def _bundled() -> Path:
    if not _BUNDLED.is_file():
        raise EventLogError(f"{_BUNDLED} is not there: run the demo from a copy of the sources, or give --file")
    return _BUNDLED


def _expected(path: Path, limit: int | None) -> int:
    """About how many events there will be, by the lines of the file; only a progress bar goes by it."""
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    with gzip.open(path) if compressed else path.open("rb") as lines:
        count = max(sum(1 for _ in lines) - 1, 0)
    return count if limit is None else min(count, limit)
