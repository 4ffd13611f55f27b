"""The summary of a run, for people."""

import msgspec
from rich.console import Console
from rich.table import Table

from stream.cli.feedback_desk import feedback_of
from stream.cli.feedback_view import feedback_view
from stream.cli.result import ReplayResult, Result, figure_text
from stream.cli.today_view import today_list
from stream.projections.complaints import Cases, Complaints
from stream.reporting.entries import Today, complaints_of
from stream.reporting.writing import Writing
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["print_result", "print_today"]


def _model_rows(result: Result) -> list[tuple[str, str]]:
    given = result.prequential if isinstance(result, ReplayResult) else result
    auc = f"{figure_text(given.auc)}; recency alone {figure_text(given.baseline_auc)}"
    log_loss = (
        f"{figure_text(given.log_loss)}; recency alone {figure_text(given.baseline_log_loss)},"
        f" base rate alone {figure_text(given.base_rate_log_loss)}"
    )
    if not isinstance(result, ReplayResult):
        return [("AUC", auc), ("log loss", log_loss)]
    rows = [("as given", f"AUC {auc}"), ("", f"log loss {log_loss}")]
    if result.weeks is None:
        return [("AUC", "-; the log is too short to look back from a week at which the model was ready"), *rows]
    first, last = result.weeks
    return [
        ("AUC", f"{figure_text(result.auc)}; recency alone {figure_text(result.baseline_auc)}"),
        ("log loss", f"{figure_text(result.log_loss)}; base rate alone {figure_text(result.base_rate_log_loss)}"),
        ("", f"of every past buyer in weeks {first}-{last}, {result.rows:,} in all, as `stream evaluate` has them"),
        *rows,
    ]


def print_result(console: Console, result: Result) -> None:
    """The totals and the sums they make, the figures of the model, the segments."""
    causes = ", ".join(f"{cause} {count:,}" for cause, count in result.alerts_by_cause.items())
    events = (
        f"{result.events_in:,} in = {result.applied:,} applied + {result.duplicates:,} duplicates"
        f" + {result.dead_letters:,} dead letters"
    )
    labels = (
        f"{result.landmarks:,} landmarks, {result.labels:,} labels matured, {result.labels_learned:,} learned,"
        f" {result.labels_scored:,} of them scored before"
    )
    rows = [
        ("events", events),
        ("customers", f"{result.customers:,}; stream time {result.stream_time or '-'}"),
        ("labels", labels),
        *_model_rows(result),
        ("alerts", f"{result.alerts_raised:,} raised ({causes}), {result.alerts_cleared:,} cleared"),
        ("segments", ", ".join(f"{name} {size:,}" for name, size in result.segments.items()) or "-"),
        ("", f"{result.segment_changes:,} changes of segment"),
    ]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, text in rows:
        table.add_row(name, text)
    console.print()
    console.print(table)


def print_feedback(console: Console, desk: ProjectionDesk) -> None:
    """What customers say, in the projections of a demo, which has made it up."""
    cases = (msgspec.json.decode(state, type=Cases) for state in desk.states(Complaints.name, Complaints.version))
    complaints = complaints_of(cases)
    console.print()
    console.print("What customers say (made up for the demo: the log has no feedback)", style="bold")
    console.print(feedback_view(feedback_of(desk)))
    console.print(f"{len(complaints):,} complaints are open.")


def print_today(console: Console, found: Today, writing: Writing) -> None:
    """Who can still be won, by the money at stake, as of the end of the run; who is lost is counted as lost."""
    console.print()
    console.print(today_list(found, writing))
