"""What a demo does while its servers and workers run: publish, watch, sum up."""

import gc
from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
    # of a log hardly an object goes: looking for garbage among hundreds of thousands takes a tenth of the time
    gc.disable()
    try:
        log = source.all_events(limited=not plan.until_now)
        first, end, by_ms = 0, len(log), 0
        if plan.until_now:
            now_ms = SystemClock().now_ms()
            by_ms = weeks_to_end_after(log, now_ms)
            end = bisect_right(log, now_ms - by_ms, key=lambda event: event.at_ms)
            first = 0 if plan.limit is None else max(end - plan.limit, 0)
        past, coming = log[first:end], log[end:]
        said = [*_said(past, by_ms)] if plan.made_up else []
    finally:
        gc.enable()
    return _Part(len(past), _moved(past, by_ms)), _Part(len(coming), _moved(coming, by_ms)), said


def _said(log: Sequence[LogEvent], by_ms: int) -> Iterator[LogEvent]:
    """Feedback that is made up on a log which is moved by ``by_ms``, up to its end."""
    end_ms = log[-1].at_ms + by_ms if log else 0
    # only their time counts here: each is written anew when it is published
    moved_log = (event._replace(at_ms=event.at_ms + by_ms) for event in log)
    return (feedback for feedback in made_feedback(moved_log) if feedback.at_ms <= end_ms)


def _moved(log: Sequence[LogEvent], by_ms: int) -> Iterator[LogEvent]:
    return moved(log, by_ms) if by_ms else iter(log)
