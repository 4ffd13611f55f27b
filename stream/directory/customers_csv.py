"""Customers for a spreadsheet."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stream.events.columns import MONEY_SCALE
from stream.reporting.spreadsheet import csv_lines
from stream.reporting.writing import Writing

__all__ = ["customers_csv"]

_CSV_COLUMNS = (
    *("customer_id", "stage", "tier", "segment", "orders", "spend", "currency", "last_order", "risk", "value_at_risk"),
    *("next_order", "lifetime_value", "may_email"),
)


def customers_csv(rows: Iterable[Mapping[str, Any]], writing: Writing) -> Iterator[str]:
    """Rows of the table of customers for a spreadsheet, a line at a time, with a header; no text is a formula."""

    def day(at_ms: int | None) -> str:
        return "" if at_ms is None else writing.day_of(at_ms).isoformat()

    def cents(amount: int | None) -> str:
        return "" if amount is None else f"{amount / MONEY_SCALE:.2f}"

    def cells(row: Mapping[str, Any]) -> dict[str, object]:
        return {
            **{name: row[name] or "" for name in ("customer_id", "tier", "segment")},
            "stage": (row["stage"] or "").replace("_", " "),
            "orders": row["orders"],
            "spend": cents(row["spend"]),
            "currency": writing.currency,
            "last_order": day(row["last_order_ms"]),
            "risk": "" if row["risk"] is None else f"{row['risk']:.4f}",
            "value_at_risk": cents(row["value_at_risk"]),
            "next_order": day(row["next_order_ms"]),
            "lifetime_value": cents(row["lifetime_value"]),
            "may_email": "yes" if row["unsubscribed_ms"] is None else "no",
        }

    return csv_lines(_CSV_COLUMNS, map(cells, rows))
