"""What a demo does while its servers and workers run: publish, watch, sum up."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from stream.cli.alert_feed import AlertFeed
from stream.cli.demo_console import demo_console
from stream.cli.demo_display import Display, write_svg
from stream.cli.demo_hints import go_on, print_next_steps, write_example
from stream.cli.demo_person import person_path, print_path
from stream.cli.demo_run import DemoProgress, DemoRun
from stream.cli.list_at import example_of, list_at
from stream.cli.log_input import LogInput
from stream.cli.made_feedback import made_feedback
from stream.cli.paced_feed import LiveFeed, PacedFeed
from stream.cli.produce import EventProducer
from stream.cli.result import DemoResult, write_result
from stream.cli.run_summary import print_feedback, print_result, print_today
from stream.cli.side_feed import SideFeed
from stream.clock import SystemClock
from stream.events.log_event import LogEvent
from stream.events.shift import moved, weeks_to_end_after
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.reporting.writing import Writing
from stream.storage.overview import Overview
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["DemoPlan", "perform"]


class DemoPlan(NamedTuple):
    """What was asked for. ``rate``: events a second, ``days_per_second``: of event time; 0: without a limit.

    ``until_now``: whether the log is moved up to the present. ``made_up``: whether feedback, and one person's path, are
    made up.
    """

    rate: float
    days_per_second: float
    limit: int | None
    until_now: bool
    made_up: bool
    keep: bool
    summary: Path | None
    svg: Path | None


def perform(
    plan: DemoPlan,
    source: LogInput,
    console: Console,
    stack: LocalStack,
    processes: WorkerProcesses,
    directory: Path,
) -> DemoResult:
    """Publish the log to a running ``stack``, whose workers may still be starting, and show what comes of it."""
    own = stack.settings
    writing = Writing.of(own)
    past, coming, said = _events(plan, source)
    with Overview(own) as overview, AlertFeed(own) as alerts, ProjectionDesk(own) as desk:
        # the log names its customers, so its events need not be resolved
        direct = replace(own, join_identities=False)
        producer = EventProducer(direct)
        feed = PacedFeed(producer, past.events, plan.rate, plan.days_per_second)
        side = SideFeed(direct, said, desk) if said else None
        run = DemoRun(stack, processes, overview, alerts, feed, past.size, side)
        last = _watch(run, Display(console, writing.money))
        result = run.result(last)
        if plan.summary is not None:
            write_result(result, plan.summary)
        if plan.svg is not None:
            write_svg(last, alerts, plan.svg, writing.money)
        found = list_at(overview.documents(), own, last.snapshot, last.totals.stream_time_ms)
        print_result(console, result)
        print_today(console, found, writing)
        if said:
            print_feedback(console, desk)
        if plan.made_up:
            end_ms = last.totals.stream_time_ms or SystemClock().now_ms()
            print_path(console, person_path(own, overview, end_ms, writing, run.check), writing)
        example = write_example(directory) if plan.keep else None
        with demo_console(own, directory, wanted=plan.keep) as pages:
            print_next_steps(console, pages, example_of(found), processes.metrics_addresses, example)
            if plan.keep:
                checks = (run.check, pages.check)
                go_on(console, run.alerts, LiveFeed(producer, coming.events), writing.money, checks)
    return result


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


def _events(plan: DemoPlan, source: LogInput) -> tuple[_Part, _Part, list[LogEvent]]:
    """The events to publish at once, those whose time is to come, and the feedback that is made up."""
    past, coming = _timed(source, plan.limit, until_now=plan.until_now)
    if not plan.made_up:
        return past, coming, []
    events = [*past.events]
    end_ms = max((event.at_ms for event in events), default=0)
    said = [feedback for feedback in made_feedback(events) if feedback.at_ms <= end_ms]
    return past._replace(events=iter(events)), coming, said


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
