"""What `stream directory` shows: for people and for spreadsheets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.directory.customer_queries import CustomerPage
from stream.directory.kpis import Kpis, Loyalty
from stream.directory.timeline import TimelineEntry
from stream.directory.timeline_queries import Page
from stream.events.columns import MONEY_SCALE
from stream.events.rejections import printable
from stream.features.stages import STAGE_NAMES
from stream.reporting.cohorts import Cohort
from stream.reporting.spreadsheet import csv_lines
from stream.reporting.writing import Writing

__all__ = [
    "cohorts_view",
    "customers_view",
    "kpis_csv",
    "kpis_view",
    "orders_view",
    "timeline_view",
]

_SHOWN_STAGES = ("at_risk", "lost", "won_back")
#: Periods after the first that fit on a terminal.
_MAX_AGE = 12


def customers_view(page: CustomerPage, writing: Writing) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("customer", "stage", "tier", "segment"):
        table.add_column(name)
    for name in ("orders", "spend", "last order", "risk", "at stake"):
        table.add_column(name, justify="right")
    for row in page.rows:
        table.add_row(
            *(_text(row["customer_id"]), _text(_stage(row["stage"])), _text(row["tier"]), _text(row["segment"])),
            f"{row['orders']:,}",
            writing.money(row["spend"] / MONEY_SCALE),
            "" if row["last_order_ms"] is None else writing.day_of(row["last_order_ms"]).isoformat(),
            "" if row["risk"] is None else writing.percent(row["risk"]),
            "" if row["value_at_risk"] is None else writing.about(row["value_at_risk"] / MONEY_SCALE),
        )
    return _paged(table, page.cursor, "no customer is like this" if not page.rows else "")


def timeline_view(page: Page, writing: Writing) -> RenderableType:
    table = Table.grid(padding=(0, 3, 0, 0))
    for entry in page.entries:
        amount = "" if entry.amount is None else writing.money(entry.amount / MONEY_SCALE)
        at = writing.local(entry.at_ms).strftime("%Y-%m-%d %H:%M")
        table.add_row(at, entry.source, _text(entry.name), _text(entry.channel), amount, _text(_told(entry)))
    return _paged(table, page.cursor, "nothing happened" if not page.entries else "")


def orders_view(rows: Sequence[Mapping[str, Any]], writing: Writing) -> RenderableType:
    table = Table.grid(padding=(0, 3, 0, 0))
    for row in rows:
        day = "" if row["completed_ms"] is None else writing.day_of(row["completed_ms"]).isoformat()
        amount = "" if row["amount"] is None else writing.money(row["amount"] / MONEY_SCALE)
        refunded = f"{writing.money(row['refunded'] / MONEY_SCALE)} refunded" if row["refunded"] else ""
        items = ", ".join(_item(item) for item in row["items"] or ())
        state = "cancelled" if row["cancelled"] else refunded
        table.add_row(day, _text(row["order_id"]), amount, state, _text(items))
    return table if rows else Text("no order")


def kpis_csv(found: Sequence[Kpis], writing: Writing) -> Iterator[str]:
    stages = [f"to_{stage}" for stage in STAGE_NAMES]
    columns = ("begin", "revenue", "sold", "refunded", "currency", "orders", "customers", "new", "returning", *stages)

    def cells(of: Kpis) -> dict[str, object]:
        money = {"revenue": of.revenue, "sold": of.sold, "refunded": of.refunded}
        return {
            "begin": of.begin.isoformat(),
            **{name: f"{amount / MONEY_SCALE:.2f}" for name, amount in money.items()},
            "currency": writing.currency,
            "orders": of.orders,
            "customers": of.buyers,
            "new": of.new,
            "returning": of.returning,
            **{f"to_{stage}": of.came_into.get(stage, 0) for stage in STAGE_NAMES},
        }

    return csv_lines(columns, map(cells, found))


def kpis_view(
    found: Sequence[Kpis], loyalty: Loyalty, stages: Mapping[str, int], writing: Writing, by: str
) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(by)
    shown = [stage for stage in _SHOWN_STAGES if any(stage in of.came_into for of in found)]
    names = ("revenue", "refunded", "orders", "customers", "new", "returning", *(f"to {_stage(one)}" for one in shown))
    for name in names:
        table.add_column(name, justify="right")
    for of in found:
        table.add_row(
            writing.month(of.begin) if by == "month" else of.begin.isoformat(),
            writing.money(of.revenue / MONEY_SCALE),
            writing.money(of.refunded / MONEY_SCALE) if of.refunded else "",
            *(f"{count:,}" for count in (of.orders, of.buyers, of.new, of.returning)),
            *(f"{of.came_into.get(stage, 0):,}" for stage in shown),
        )
    if loyalty.repeat_rate is None:
        return Text("no order is in the directory yet")
    rate = writing.percent(loyalty.repeat_rate)
    now = ", ".join(f"{stages[stage]:,} {_stage(stage)}" for stage in STAGE_NAMES if stage in stages)
    lines = [f"{loyalty.buyers:,} customers with an order, {rate} of them with more than one", now]
    return Group(*(Text(line) for line in lines if line), table)


def cohorts_view(found: Sequence[Cohort]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("first order")
    table.add_column("customers", justify="right")
    for age in range(1, 1 + min(max((len(one.ordered) for one in found), default=0), _MAX_AGE)):
        table.add_column(f"+{age}", justify="right")
    for one in found:
        shares = [f"{count / one.customers:.0%}" if one.customers else "" for count in one.ordered[:_MAX_AGE]]
        table.add_row(one.begin.isoformat(), f"{one.customers:,}", *shares)
    return table if found else Text("no order is in the directory yet")


def _stage(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _told(entry: TimelineEntry) -> str:
    """In a line what the entry says beside its columns."""
    detail = entry.detail or {}
    said = [str(detail[name]) for name in ("sentence", "why", "note") if detail.get(name)]
    if not said:
        named = {name: value for name, value in detail.items() if name != "items"}
        figures = {"order": entry.order_id, **named}.items()
        said = [f"{name} {value}" for name, value in figures if value not in (None, "")]
    return ", ".join(said)


def _text(told: str | None) -> Text:
    """What others have written, as it is: neither markup nor what commands a terminal."""
    return Text(printable(told or ""))


def _item(item: Mapping[str, Any]) -> str:
    count = item.get("quantity")
    return f"{count:g} x {item['product_id']}" if count not in (None, 1) else str(item["product_id"])


def _paged(table: Table, cursor: str | None, empty: str) -> RenderableType:
    if empty:
        return Text(empty)
    return Group(table, Text(f"more: --cursor {cursor}", "dim")) if cursor else table
