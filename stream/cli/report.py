"""The summary of a run, for people."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.cli.result import Result
from stream.cli.standing import CustomerCard, reason_sentences
from stream.online_models.snapshot import ModelSnapshot

__all__ = ["print_result", "print_top"]


def _number(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.4f}"


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
    log_loss = (
        f"{_number(result.log_loss)}; recency alone {_number(result.baseline_log_loss)},"
        f" base rate alone {_number(result.base_rate_log_loss)}"
    )
    rows = [
        ("events", events),
        ("customers", f"{result.customers:,}; stream time {result.stream_time or '-'}"),
        ("labels", labels),
        ("AUC", f"{_number(result.auc)}; recency alone {_number(result.baseline_auc)}"),
        ("log loss", log_loss),
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


def print_top(console: Console, cards: Sequence[CustomerCard], snapshot: ModelSnapshot | None) -> None:
    """The customers with most value at risk, and why they are at risk."""
    if not cards:
        console.print("\nNo customer has been scored yet: the model has to learn first.")
        return
    table = Table(
        box=box.SIMPLE_HEAD, title="Most value at risk", title_justify="left", title_style="bold", pad_edge=False
    )
    for heading, right in (("customer", False), ("at risk", True), ("risk", True), ("segment", False), ("why", False)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "why")
    for card in cards:
        raising = [text for contribution, text in reason_sentences(card, snapshot) if contribution > 0]
        table.add_row(
            card.customer_id,
            f"{card.value_at_risk or 0.0:,.2f}",
            Text(f"{card.risk or 0.0:.2f}", "red" if card.alert else ""),
            card.segment or "-",
            " ".join(raising[:2]) or "Nothing stands out.",
        )
    console.print()
    console.print(table)
