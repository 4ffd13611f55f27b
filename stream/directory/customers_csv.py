"""Customers for a spreadsheet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from stream.events.columns import MONEY_SCALE
from stream.reporting.spreadsheet import csv_lines
from stream.reporting.writing import Writing

__all__ = ["Called", "customers_csv"]

#: Of ids, what those customers are called of whom it is known.
Called: TypeAlias = Callable[[Sequence[str]], Mapping[str, str]]
_AT_ONCE: Final = 1000
_CSV_COLUMNS: Final = (
    *("customer_id", "name", "stage", "tier", "segment", "orders", "spend", "currency", "last_order", "risk"),
    *("value_at_risk", "next_order", "lifetime_value", "may_email"),
)


def customers_csv(rows: Iterable[Mapping[str, Any]], writing: Writing, called: Called) -> Iterator[str]:
    """Rows of the table of customers for a spreadsheet, a line at a time, with a header; no text is a formula.

    ``called`` is asked for a thousand customers at a time.
    """

    def day(at_ms: int | None) -> str:
        return "" if at_ms is None else writing.day_of(at_ms).isoformat()

    def cents(amount: int | None) -> str:
        return "" if amount is None else f"{amount / MONEY_SCALE:.2f}"

    def cells(row: Mapping[str, Any], name: str) -> dict[str, object]:
        return {
            **{column: row[column] or "" for column in ("customer_id", "tier", "segment")},
            "name": name,
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

    def named() -> Iterator[dict[str, object]]:
        left = iter(rows)
        while some := [*islice(left, _AT_ONCE)]:
            names = called([row["customer_id"] for row in some])
            yield from (cells(row, names.get(row["customer_id"], "")) for row in some)

    return csv_lines(_CSV_COLUMNS, named())
