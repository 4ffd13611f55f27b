"""Today's list for other programs: CSV for spreadsheets, JSON."""

from typing import Any

import msgspec
import orjson

from stream.events.times import rfc3339
from stream.reporting.entries import Entry, Today
from stream.reporting.spreadsheet import csv_lines
from stream.reporting.writing import Writing

__all__ = ["csv_text", "json_text", "object_text"]


def csv_text(found: Today, writing: Writing) -> str:
    """The list as CSV (RFC 4180), one row a customer; days by the shop's time zone."""
    return "".join(csv_lines(_COLUMNS, (_row(entry, writing) for entry in found.entries)))


def json_text(found: Today, writing: Writing, unprocessed: int) -> str:
    """Everything as one JSON object, with the number of events that wait; instants are RFC 3339, UTC."""
    return object_text(found, currency=writing.currency or None, unprocessed=unprocessed)


def object_text(found: msgspec.Struct, **more: object) -> str:
    """A value, after ``more``, as one JSON object; instants are RFC 3339, UTC."""
    return orjson.dumps({**more, **_instants(msgspec.to_builtins(found))}, option=orjson.OPT_INDENT_2).decode()


_COLUMNS = (
    *("customer_id", "name", "at_stake", "currency", "risk", "days_since_order", "usual_days", "reason", "action"),
    *("last_order", "due", "orders", "spend", "segment", "may_email", "notes", "stage", "tier"),
)


def _row(entry: Entry, writing: Writing) -> dict[str, object]:
    return {
        "customer_id": entry.customer_id,
        "name": entry.name,
        "at_stake": f"{entry.at_stake:.2f}",
        "currency": writing.currency,
        "risk": "" if entry.risk is None else f"{entry.risk:.4f}",
        "days_since_order": round(entry.silent_days),
        "usual_days": round(entry.usual_days),
        "reason": entry.reason,
        "action": entry.action,
        "last_order": writing.day_of(entry.last_order_ms).isoformat(),
        "due": writing.day_of(entry.due_ms).isoformat(),
        "orders": entry.orders,
        "spend": f"{entry.spend:.2f}",
        "segment": entry.segment or "",
        "may_email": "yes" if entry.may_email else "no",
        "notes": "; ".join(entry.notes),
        "stage": entry.stage,
        "tier": entry.tier or "",
    }


def _instants(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name.removesuffix("_ms") + "_at" if name.endswith("_ms") else name: (
                rfc3339(inner) if name.endswith("_ms") and inner is not None else _instants(inner)
            )
            for name, inner in value.items()
        }
    return [_instants(inner) for inner in value] if isinstance(value, list | tuple) else value
