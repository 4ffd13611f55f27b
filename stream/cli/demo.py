"""``stream demo``: everything on this machine, over real events."""

import secrets
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click

from stream.cli.alert_feed import AlertFeed
from stream.cli.bundled import bundled
from stream.cli.console import console_for_people
from stream.cli.demo_console import demo_console
from stream.cli.demo_display import Display, write_svg
from stream.cli.demo_hints import go_on, print_next_steps, write_example
from stream.cli.demo_run import DemoProgress, DemoRun
from stream.cli.list_at import example_of, list_at
from stream.cli.log_horizon import fit_to_log
from stream.cli.log_input import LogInput
from stream.cli.log_options import LogOptions, log_options
from stream.cli.made_feedback import made_feedback
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.paced_feed import LiveFeed, PacedFeed
from stream.cli.produce import EventProducer
from stream.cli.result import write_result
from stream.cli.run_summary import print_feedback, print_result, print_today
from stream.cli.side_feed import SideFeed
from stream.cli.signals import Interrupted, interruptible
from stream.cli.topics import create_topics
from stream.clock import SystemClock
from stream.events.log_event import LogEvent
from stream.events.shift import moved, weeks_to_end_after
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.overview import Overview
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["demo"]

PARTITIONS = 4
#: A year of the bundled events in about half a minute.
DEFAULT_RATE = 5000.0
#: The bundled events go by at about this pace at that rate.
DEFAULT_DAYS_PER_S = 14.0

#: What is read of the feedback that the demo makes up.
_PROJECTIONS = "satisfaction,ratings,complaints,channels,texts"
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
    open complaints have something to show. It is the same each time, and nothing of it reaches a model.

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
    past, coming = _timed(source, options.limit, until_now=log is None if until_now is None else until_now)
    said: list[LogEvent] = []
    if log is None:
        settings = replace(settings, projections=_PROJECTIONS)
        events = [*past.events]
        past = past._replace(events=iter(events))
        end_ms = max((event.at_ms for event in events), default=0)
        said = [feedback for feedback in made_feedback(events) if feedback.at_ms <= end_ms]
    console = console_for_people()
    try:
        with (
            interruptible(),
            tempfile.TemporaryDirectory(prefix="stream-demo-") as directory,
            LocalStack(Path(directory), settings, partitions=PARTITIONS) as stack,
        ):
            own = stack.settings
            create_topics(own)
            writing = Writing.of(own)
            with (
                WorkerProcesses(own, workers, Path(directory)) as processes,
                Overview(own) as overview,
                AlertFeed(own) as alerts,
                ProjectionDesk(own) as desk,
            ):
                producer = EventProducer(own)
                feed = PacedFeed(producer, past.events, rate, days_per_second if rate else 0.0)
                side = SideFeed(own, said, desk) if said else None
                run = DemoRun(stack, processes, overview, alerts, feed, past.size, side)
                last = _watch(run, Display(console, writing.money))
                result = run.result(last)
                if summary is not None:
                    write_result(result, summary)
                if svg is not None:
                    write_svg(last, alerts, svg, writing.money)
                found = list_at(overview.documents(), own, last.snapshot, last.totals.stream_time_ms)
                print_result(console, result)
                print_today(console, found, writing)
                if said:
                    print_feedback(console, desk)
                example = write_example(Path(directory)) if keep else None
                with demo_console(own, Path(directory), wanted=keep) as pages:
                    print_next_steps(console, pages, example_of(found), processes.metrics_addresses, example)
                    if keep:
                        checks = (run.check, pages.check)
                        go_on(console, run.alerts, LiveFeed(producer, coming.events), writing.money, checks)
    except Interrupted as interrupted:
        click.echo(f"stream: {interrupted}: everything has been stopped", err=True)
        ctx.exit(interrupted.exit_status)
    too_many = source.tell()
    problems = [*result.problems()]
    for problem in problems:
        click.echo(f"stream: {problem}", err=True)
    if problems or too_many:
        ctx.exit(1)


def _watch(run: DemoRun, display: Display) -> DemoProgress:
    """Show the run to its end; return what was to be seen then."""
    with display:
        display.say("starting the workers: a few seconds, a minute where the kernel has never been compiled")
        for waited_s in run.wait_until_ready():
            display.wait(f"starting the workers, {waited_s:.0f} s")
        last: DemoProgress | None = None
        for last in run.progress():
            display.show(last, run.alerts)
        if last is None:
            raise AssertionError("a run shows at least its end")
        display.show(last, run.alerts, last=True)
        return last


class _Part(NamedTuple):
    """A part of a log, and how many events that is."""

    size: int
    events: Iterator[LogEvent]


def _timed(source: LogInput, limit: int | None, *, until_now: bool) -> tuple[_Part, _Part]:
    """The events to publish at once, and those whose time is to come."""
    log = source.all_events(limited=not until_now)
    if not until_now:
        return _Part(len(log), iter(log)), _Part(0, iter(()))
    now_ms = SystemClock().now_ms()
    by_ms = weeks_to_end_after(log, now_ms)
    past = bisect_right(log, now_ms - by_ms, key=lambda event: event.at_ms)
    first = 0 if limit is None else max(past - limit, 0)
    return _Part(past - first, moved(log[first:past], by_ms)), _Part(len(log) - past, moved(log[past:], by_ms))
