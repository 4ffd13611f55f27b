"""``stream replay``: an event log through the same kernel and learner, without Kafka and Redis."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from rich.live import Live
from rich.text import Text

from stream.alerts.alert_records import Alert
from stream.cli.console import console_for_people
from stream.cli.evaluate import figures_of_rows
from stream.cli.list_at import list_at
from stream.cli.log_horizon import fit_to_log
from stream.cli.log_input import LogInput
from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.result import Prequential, ReplayResult, figures_of, write_result
from stream.cli.run_summary import print_result, print_today
from stream.cli.saying import say
from stream.cli.standing import stand
from stream.clock import Clock, SystemClock
from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.times import rfc3339
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.outgoing import Topics
from stream.processing.replay import Replay
from stream.processing.rolling_origin import RollingOrigin, Rows
from stream.processing.rules import rules_of
from stream.processing.state import Outgoing
from stream.reporting.writing import Writing
from stream.settings import Settings

__all__ = ["replay"]

_LINE_INTERVAL_S = 2.0
_OUT = click.Path(dir_okay=False, path_type=Path)
_decoder = msgspec.json.Decoder(Alert)


@click.command(cls=SettingsCommand)
@click.argument("log")
@click.option("--summary", type=_OUT, help="Write the figures to this file, as JSON.")
@click.option("--customers", type=_OUT, help="Write the customer documents to this file, as JSON Lines.")
@click.option("--alerts", type=_OUT, help="Write the alerts to this file, as JSON Lines.")
@log_options
@with_settings("Labels", "Alerts", "Events", "Time")
@click.pass_context
def replay(
    ctx: click.Context,
    settings: Settings,
    *,
    log: str,
    summary: Path | None,
    customers: Path | None,
    alerts: Path | None,
    options: LogOptions,
) -> None:
    """Process the events of LOG without Kafka and Redis: same features, scores, labels, alerts.

    LOG is JSON Lines, a JSON array or CSV, may be gzipped, and is - for standard input. It is put in time order. What
    cannot be used is told by reason, with the first line of each. The model learns in step with the events,
    as that of a worker does whose trainer is never behind. The same log and settings give the same files, byte for
    byte: an alert is emitted when it occurs, and the figures have no durations. There is one partition, so stream time
    is that of all customers together.

    AUC and log loss are those of `stream evaluate`; "as given" has those of the risks given at landmarks.

    Exit status 0 if all sums add up and few events were rejected.
    """
    console = console_for_people()
    with ExitStack() as open_files:
        sink = None if alerts is None else open_files.enter_context(_created(alerts))
        clock: Clock = SystemClock()
        source = LogInput(log, options, settings)
        events = source.events()
        if settings.horizon_days == 0.0:
            events = iter(log_events := list(events))
            settings = fit_to_log(settings, log_events, clock.now_ms())
        rules, decoder = rules_of(settings), Decoder.of(settings, in_clear=True)
        writing = Writing.of(settings, lambda: options.form.currency)
        run = Replay(
            rules,
            Learner(learner_settings_of(settings)),
            decoder,
            clock.now_ms(),
            on_outgoing=_writer(sink, source),
            money=writing.money,
        )
        origin = RollingOrigin(run, decoder, clock.now_ms(), rules=rules)
        began = time.monotonic()
        live = open_files.enter_context(Live(console=console, auto_refresh=False)) if console.is_terminal else None
        line_at_s = 0.0
        for line in _lines(run, origin.run(events), began):
            if live is not None:
                live.update(Text(line), refresh=True)
            elif time.monotonic() - began >= line_at_s:
                line_at_s = time.monotonic() - began + _LINE_INTERVAL_S
                console.print(line, soft_wrap=True, markup=False)
    if run.counters.events_in == 0:
        raise source.nothing()
    if customers is not None:
        _write_documents(run.documents, customers)
    standing = stand(run.documents.values())
    snapshot = run.learner.snapshot(clock.now_ms())
    totals = figures_of(run.counters, snapshot, standing, run.stream_time_ms)
    result = ReplayResult(**totals | _evaluated(origin.rows(), totals), rejected=dict(source.report.counts))
    if summary is not None:
        write_result(result, summary)
    print_result(console, result)
    found = list_at(run.documents.values(), settings, snapshot, run.stream_time_ms)
    print_today(console, found, writing)
    too_many = source.tell()
    problems = [*result.problems()]
    for problem in problems:
        say(problem)
    if problems or too_many:
        ctx.exit(1)


def _evaluated(rows: Rows, totals: dict[str, Any]) -> dict[str, Any]:
    """The figures of a replay from its weekly ``rows``; those of ``totals`` are the prequential ones."""
    names = Prequential.__struct_fields__
    prequential = Prequential(**{name: totals[name] for name in names})
    if len(rows.week) == 0:
        return {**dict.fromkeys(names), "weeks": None, "rows": 0, "prequential": prequential}
    found = figures_of_rows(rows)
    return {
        "auc": found["auc"],
        "log_loss": found["log_loss"],
        "baseline_auc": found["baselines"]["recency"]["auc"],
        "baseline_log_loss": None,
        "base_rate_log_loss": found["baselines"]["base_rate"]["log_loss"],
        "weeks": found["weeks"],
        "rows": found["rows"],
        "prequential": prequential,
    }


def _lines(run: Replay, taken: Iterable[int], began: float) -> Iterator[str]:
    """A line of figures after each run of the replay."""
    for events_in in taken:
        elapsed_s = time.monotonic() - began
        counters = run.counters
        yield "  ".join(
            (
                f"{elapsed_s:5.1f} s",
                f"in {events_in:,} ({events_in / elapsed_s:,.0f}/s)",
                f"stream time {'-' if run.stream_time_ms is None else rfc3339(run.stream_time_ms)[:16]}",
                f"customers {counters.customers:,}",
                f"labels {run.learner.labels_seen:,}",
                f"alerts {counters.alerts_raised:,}, cleared {counters.alerts_cleared:,}",
            )
        )


def _writer(sink: BinaryIO | None, source: LogInput) -> Callable[[Outgoing], None]:
    topics = Topics()

    def write(record: Outgoing) -> None:
        if record.topic == topics.dead_letters:
            source.take_dead_letter(record.headers)
        elif sink is not None and record.topic == topics.alerts:
            alert = _decoder.decode(record.value or b"")
            sink.write(msgspec.json.encode(msgspec.structs.replace(alert, emitted_at=alert.occurred_at)) + b"\n")

    return write


def _write_documents(documents: dict[str, bytes], path: Path) -> None:
    with _created(path) as file:
        file.writelines(documents[customer] + b"\n" for customer in sorted(documents))


def _created(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise EventLogError(f"{path} cannot be written: {error}") from error
