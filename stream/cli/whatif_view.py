"""The comparison of two policies, for people."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.alerts.intervals import Interval
from stream.reporting.writing import Writing
from stream.whatif.comparison import AlertChange, PolicySide, WhatIf
from stream.whatif.policy_sentences import bias_line, summary_line

__all__ = ["whatif_view"]


def whatif_view(found: WhatIf, writing: Writing, most: int) -> RenderableType:
    """A sentence, the figures of both policies and their difference, the load of channels, and what changes."""
    return Group(
        Text(summary_line(found, writing), "bold"),
        Text(),
        _figures(found, writing),
        *(Text(line, "yellow") for line in bias_line(found)),
        *_channels(found),
        *_changes("added", found.added, writing, most),
        *_changes("removed", found.removed, writing, most),
        *_changes("moved", found.moved, writing, most),
    )


def _figures(found: WhatIf, writing: Writing) -> Table:
    table = _table("", "old", "new", "difference (95 %)")
    old, new, difference = found.old, found.new, found.difference
    table.add_row(
        "alerts a week", *(f"{side.a_week.estimate or 0:,.1f}" for side in (old, new)), _one(difference.a_week)
    )
    table.add_row("customers alerted", f"{old.customers:,}", f"{new.customers:,}", "")
    table.add_row("judged, of them right", *(f"{side.judged:,}, {side.right:,}" for side in (old, new)), "")
    table.add_row("right", _share(old), _share(new), _percent(difference.precision))
    table.add_row("money at risk", *(writing.about(side.value) for side in (old, new)), "")
    table.add_row(
        "of those who lapsed, a week",
        *(writing.about(side.value_right / max(_weeks(found), 1e-9)) for side in (old, new)),
        _money(difference.value_right_a_week, writing.about),
    )
    return table


def _channels(found: WhatIf) -> Iterator[RenderableType]:
    names = dict.fromkeys([*(found.old.channels or {}), *(found.new.channels or {})])
    if not names:
        return
    yield Text()
    table = _table("channel", "policy", "messages", "alerts", "held out", "not sent", "most a day", "days full")
    for name in names:
        for policy, channels in (("old", found.old.channels), ("new", found.new.channels)):
            if channels is None or name not in channels:
                continue
            load = channels[name]
            suppressed = ", ".join(f"{count:,} {reason}" for reason, count in load.suppressed.items())
            budget = "" if load.per_day is None else f" of {load.per_day:,}"
            table.add_row(
                name,
                policy,
                f"{load.messages:,}",
                f"{load.alerts:,}",
                f"{load.held_out:,}",
                suppressed.replace("_", " "),
                f"{load.most_a_day:,}{budget}",
                "" if load.per_day is None else f"{load.days_full:,}",
            )
    yield table


def _changes(what: str, changes: Sequence[AlertChange], writing: Writing, most: int) -> Iterator[RenderableType]:
    if not changes or not most:
        return
    yield Text()
    yield Text(f"{what}: {len(changes):,}", "bold")
    for one in sorted(changes, key=lambda change: -change.value_at_risk)[:most]:
        later = "" if one.later_days is None else f" ({one.later_days:+.1f} days)"
        kind = str(one.kind).rpartition(".")[2]
        day = writing.long_date(one.at_ms)
        yield Text(f"  {day}{later}  {kind}  {one.customer_id}  {writing.about(one.value_at_risk)}  {one.sentence}")


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _weeks(found: WhatIf) -> float:
    return (found.end_ms - found.begin_ms) / (7 * 86_400_000)


def _share(side: PolicySide) -> str:
    of = side.precision
    if of.estimate is None or of.low is None or of.high is None:
        return "not known"
    return f"{of.estimate:.0%} ({of.low:.0%} to {of.high:.0%})"


def _one(of: Interval) -> str:
    return _shown(of, lambda figure: f"{figure:+,.1f}")


def _percent(of: Interval) -> str:
    return _shown(of, lambda figure: f"{100 * figure:+.0f} points")


def _money(of: Interval, about: Callable[[float], str]) -> str:
    return _shown(of, lambda figure: f"{'+' if figure >= 0 else '-'}{about(abs(figure))}")


def _shown(of: Interval, write: Callable[[float], str]) -> str:
    if of.estimate is None or of.low is None or of.high is None:
        return "not known"
    return f"{write(of.estimate)} ({write(of.low)} to {write(of.high)})"
