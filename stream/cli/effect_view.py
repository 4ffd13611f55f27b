"""The effect of notifying, for people."""

from collections.abc import Iterator, Sequence

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from stream.alerts.action_records import ActionKind
from stream.alerts.intervals import Interval
from stream.catalogue.wording import number_of
from stream.cli.effect_desk import EffectFound
from stream.events.times import rfc3339
from stream.notifications.complaint_effect import Answered, ComplaintEffect
from stream.notifications.effect import Comparison, EffectReport, Group
from stream.reporting.offer_effect import OfferEffect

__all__ = ["effect_view"]


def effect_view(found: EffectFound) -> RenderableType:
    """Lay out what was found: sentence, groups, differences, segments and channels, and what to be careful about."""
    report = found.report
    below = (
        *_notes(report),
        *_complaints(found.complaints, report.horizon_days),
        *_drawn(found.complaint_alerts),
        *_offers(found.offers),
    )
    everyone = report.everyone
    if not everyone.notified.customers and not everyone.held_out.customers:
        return Lines(Text(found.sentence, "bold"), *below)
    return Lines(
        Text(found.sentence, "bold"),
        Text(),
        Text(f"within {report.horizon_days:g} days after the delivery", "bold"),
        _groups(everyone),
        Text(),
        Text(f"notified less held out, with 95 % intervals: {_verdict(everyone)}", "bold"),
        _differences(report),
        *below,
    )


def _offers(found: Sequence[OfferEffect]) -> Iterator[RenderableType]:
    """What each offer brought, by the draw."""
    if not found:
        return
    yield Text()
    yield Text("offers, by a draw", "bold")
    table = _table("", "offered", "held out", "profit per customer, more")
    for one in found:
        gain = _interval(one.gain, percent=False, sign=True)
        table.add_row(one.offer, f"{one.offered:,}", f"{one.held_out:,}", gain)
    yield table
    yield from (Text(one.sentence) for one in found)


def _complaints(found: ComplaintEffect, horizon_days: float) -> Iterator[RenderableType]:
    """How fast complaints are answered, and what those customers do later."""
    if not found.complaints:
        return
    fast, waited = found.fast, found.waited
    hours = "" if found.median_hours is None else f", half of them within {found.median_hours:,.1f} hours"
    yield Text()
    yield Text(f"complaints: {found.answered:,} of {found.complaints:,} answered{hours}", "bold")
    table = _table(f"in {horizon_days:g} days", f"answered in {found.within_hours:g} hours", "waited longer")
    table.add_row("customers", *(f"{group.customers:,}" for group in (fast, waited)))
    table.add_row("ordered again", *(_interval(group.ordered, percent=True) for group in (fast, waited)))
    table.add_row("spend per customer", *(f"{group.spend:,.2f}" for group in (fast, waited)))
    table.add_row("satisfied afterwards", *map(_satisfied, (fast, waited)))
    table.add_row("difference in orders", _interval(found.ordered, percent=True, sign=True), "")
    table.add_row("difference in satisfaction", _interval(found.satisfaction, percent=True, sign=True), "")
    yield table
    yield Text("not by a draw: those who are answered fast may differ in more than that", "dim")
    if found.pending:
        yield Text(_waiting(found.pending), "dim")
    yield from (Text(warning, "yellow") for warning in found.warnings)


def _satisfied(group: Answered) -> str:
    """The mean satisfaction, and of how many."""
    return f"{_interval(group.satisfaction, percent=True)} of {group.heard:,}" if group.heard else "-"


def _drawn(found: Comparison) -> Iterator[RenderableType]:
    """What alerts about complaints achieve, by the draw; nothing where nobody was held out."""
    if not found.held_out.customers:
        return
    yield Text()
    yield Text(f"alerts about complaints, by a draw: {_verdict(found)}", "bold")
    yield _groups(found)
    difference = _table("difference", "ordered again", "spend per customer")
    ordered = _interval(found.ordered, percent=True, sign=True)
    difference.add_row("", ordered, _interval(found.spend, percent=False, sign=True))
    yield difference
    yield from (Text(warning, "yellow") for warning in found.warnings)


def _groups(comparison: Comparison) -> Table:
    table = _table("", "notified", "held out")
    pair = (comparison.notified, comparison.held_out)
    table.add_row("customers", *(f"{group.customers:,}" for group in pair))
    table.add_row("ordered again", *map(_ordered, pair))
    table.add_row("spend per customer", *(f"{group.spend:,.2f}" for group in pair))
    for kind in ActionKind:
        table.add_row(kind.replace("_", " "), *(f"{group.actions[kind]:,}" for group in pair))
    return table


def _ordered(group: Group) -> str:
    return f"{group.orders:,}  {_interval(group.ordered, percent=True)}"


def _differences(report: EffectReport) -> Table:
    table = _table("", "notified", "held out", "ordered again", "spend per customer")
    rows = [("everyone", report.everyone)]
    rows += [(f"segment {name}", comparison) for name, comparison in report.by_segment.items()]
    rows += [(f"channel {name}", comparison) for name, comparison in report.by_channel.items()]
    for name, comparison in rows:
        table.add_row(
            name,
            f"{comparison.notified.customers:,}",
            f"{comparison.held_out.customers:,}",
            _interval(comparison.ordered, percent=True, sign=True),
            _interval(comparison.spend, percent=False, sign=True),
        )
    return table


def _waiting(customers: int) -> str:
    return f"{number_of(customers, 'customer waits', 'customers wait')} for the end of their horizon"


def _verdict(comparison: Comparison) -> str:
    if comparison.warnings:
        return "too few customers to say"
    return "an effect on orders" if comparison.ordered.excludes_zero else "no effect on orders can be told from chance"


def _notes(report: EffectReport) -> Iterator[Text]:
    yield Text()
    if report.as_of_ms is None:
        # orders are asked for of those only who are in a group
        yield Text("no order of a customer who was notified or held out", "dim")
    else:
        yield Text(f"newest order: {rfc3339(report.as_of_ms)}; {_waiting(report.pending)}", "dim")
    if report.failed:
        who = number_of(report.failed, "customer of the notified group was", "customers of the notified group were")
        count = "counts" if report.failed == 1 else "count"
        yield Text(f"{who} not reached, and {count} in it", "dim")
    if report.mixed:
        who = number_of(report.mixed, "customer was in both groups and is", "customers were in both groups and are")
        yield Text(f"{who} left out: keep salt and share", "yellow")
    yield from (Text(warning, "yellow") for warning in report.everyone.warnings)


def _interval(interval: Interval, *, percent: bool, sign: bool = False) -> str:
    if interval.estimate is None:
        return "-"
    form = f"{'+' if sign else ''}{'.1%' if percent else ',.2f'}"
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:{form}}"
    return f"{interval.estimate:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def _table(*columns: str) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    for _ in columns[1:]:
        table.add_column(justify="right", no_wrap=True)
    table.add_row(*(Text(column, "bright_black") for column in columns))
    return table
