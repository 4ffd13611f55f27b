"""What a demo shows while it runs: one frame of figures."""

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.cli.demo_run import DemoProgress
from stream.cli.result import figure_text
from stream.events.times import rfc3339

__all__ = ["frame", "line"]

_ALERTS_SHOWN: Final = 4
_BAR_WIDTH: Final = 16


def _day(at_ms: int | None) -> str:
    return "-" if at_ms is None else rfc3339(at_ms)[:16].replace("T", " ")


def line(progress: DemoProgress) -> str:
    """Everything in one line, for logs and pipes."""
    counters = progress.totals.counters
    parts = [
        f"{progress.elapsed_s:5.1f} s",
        f"in {counters.events_in:,} ({progress.per_s:,.0f}/s, lag {progress.lag:,})",
        f"stream time {_day(progress.totals.stream_time_ms)}",
        f"customers {counters.customers:,}",
    ]
    if (snapshot := progress.snapshot) is not None:
        whole = snapshot.churn.evaluation.whole
        parts.append(f"labels {snapshot.churn.labels_seen:,}")
        if whole.auc is not None:
            parts.append(f"AUC {figure_text(whole.auc)} (recency {figure_text(whole.recency_auc)})")
            parts.append(
                f"log loss {figure_text(whole.log_loss)}"
                f" (recency {figure_text(whole.recency_log_loss)}, base rate {figure_text(whole.base_rate_log_loss)})"
            )
    parts.append(
        f"alerts {counters.alerts_raised:,} (event {counters.raised_by_event:,},"
        f" silence {counters.raised_by_silence:,}, model {counters.raised_by_model:,}),"
        f" cleared {counters.alerts_cleared:,}"
    )
    return "  ".join(parts)


def frame(progress: DemoProgress, alerts: Iterable[Alert], money: Money = plain_money) -> RenderableType:
    """Figures side by side, and the latest ``alerts`` (oldest first) below; ``money`` writes amounts."""
    columns = Table.grid(expand=True, padding=(0, 3, 0, 0))
    columns.add_column(ratio=27)
    columns.add_column(ratio=44)
    columns.add_column(ratio=41)
    columns.add_row(
        _section("events", _events(progress)),
        _section("churn model, test then train", _model(progress)),
        _section("segments", _segments(progress)),
    )
    counters = progress.totals.counters
    title = (
        f"alerts: {counters.alerts_raised:,} raised (by event {counters.raised_by_event:,},"
        f" silence {counters.raised_by_silence:,}, model {counters.raised_by_model:,}),"
        f" {counters.alerts_cleared:,} cleared"
    )
    return Group(_head(progress), "", columns, "", _section(title, _alerts([*alerts][-_ALERTS_SHOWN:], money)))


def _section(title: str, content: RenderableType) -> RenderableType:
    return Group(Rule(Text(title, "bold cyan"), align="left", style="bright_black"), content)


def _head(progress: DemoProgress) -> RenderableType:
    done = progress.totals.counters.events_in
    of = "" if progress.expected is None else f" of {progress.expected:,}"
    facts = (
        f"stream time {_day(progress.totals.stream_time_ms)}",
        f"{done:,}{of} events",
        f"{progress.per_s:,.0f}/s",
        f"lag {progress.lag:,}",
        f"{progress.elapsed_s:.0f} s",
    )
    head = Table.grid(expand=True)
    head.add_row(Text.assemble(("customer-stream", "bold"), *(f"   {fact}" for fact in facts)))
    head.add_row(
        ProgressBar(
            total=progress.expected,
            completed=done,
            pulse=progress.expected is None,
            complete_style="cyan",
            finished_style="cyan",
        )
    )
    return head


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _events(progress: DemoProgress) -> Table:
    counters = progress.totals.counters
    return _pairs(
        [
            ("published", f"{progress.published:,}"),
            ("taken in", f"{counters.events_in:,}"),
            ("applied", f"{counters.applied:,}"),
            ("duplicates", f"{counters.duplicates:,}"),
            ("dead letters", f"{counters.dead_letters:,}"),
            ("customers", f"{counters.customers:,}"),
        ]
    )


def _model(progress: DemoProgress) -> Table:
    table = Table.grid(expand=True, padding=(0, 1))
    for justify in ("left", "right", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row("", *(Text(name, "bright_black") for name in ("model", "recency", "base rate")))
    whole = progress.snapshot.churn.evaluation.whole if progress.snapshot else None
    auc = (None, None) if whole is None else (whole.auc, whole.recency_auc)
    loss = (None, None, None) if whole is None else (whole.log_loss, whole.recency_log_loss, whole.base_rate_log_loss)
    table.add_row(Text("AUC", "bright_black"), Text(figure_text(auc[0]), "bold"), figure_text(auc[1]), "")
    table.add_row(Text("log loss", "bright_black"), Text(figure_text(loss[0]), "bold"), *map(figure_text, loss[1:]))
    counts = (
        ("labels", progress.totals.counters.labels),
        ("learned", progress.snapshot.churn.labels_seen if progress.snapshot else 0),
        ("scored", round(whole.examples) if whole else 0),
    )
    for name, count in counts:
        table.add_row(Text(name, "bright_black"), f"{count:,}", "", "")
    return table


def _segments(progress: DemoProgress) -> Table:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(width=_BAR_WIDTH)
    sizes = progress.standing.segments
    for name, size in [*sizes.items()][:6]:
        table.add_row(
            Text(name, "bright_black"),
            f"{size:,}",
            ProgressBar(
                total=max(sizes.values()),
                completed=size,
                width=_BAR_WIDTH,
                complete_style="cyan",
                finished_style="cyan",
            ),
        )
    return table


def _told(alert: Alert) -> list[str]:
    """What is to be said of it: the habit, then the reasons."""
    return [alert.sentence, *(reason.sentence for reason in alert.reasons if reason.sentence != alert.sentence)]


def _alerts(alerts: list[Alert], money: Money) -> RenderableType:
    if not alerts:
        return Text("none yet", "bright_black")
    blocks: list[RenderableType] = []
    for alert in reversed(alerts):
        blocks.append(
            Text.assemble(
                (f"{alert.occurred_at[:16].replace('T', ' ')}  ", "bright_black"),
                (f"{alert.customer_id:<8}", "bold"),
                f"{money(alert.value_at_risk):>10} at risk",
                (f"  risk {alert.risk:>4.0%}", "red"),
                f"  by {alert.cause.value:<8}",
                f"  {alert.segment or 'no segment yet'}",
            )
        )
        blocks.append(
            Text(
                "    " + " ".join(_told(alert)[:2]),
                "italic",
                no_wrap=True,
                overflow="ellipsis",
            )
        )
    return Group(*blocks)
