"""Reads CSV logs for tests."""

import json
from contextlib import nullcontext
from datetime import UTC, tzinfo

from stream.events.csv_log import read_csv
from stream.events.log import LogEvent
from stream.events.log_form import LogForm
from stream.events.log_report import LogReport

HEADER = "ts,customer_id,type,subtype,ref_id,amount,quantity"


DEFAULT = LogForm()


Read = tuple[list[LogEvent], LogReport]


def read(*rows: str, header: str = HEADER, zone: tzinfo = UTC) -> list[LogEvent]:
    events, report = read_all(*rows, header=header, form=LogForm(timezone=zone))
    assert not report.counts
    return events


def read_all(*rows: str, header: str = HEADER, form: LogForm = DEFAULT, strict: bool = False) -> Read:
    """The events of a file, and its reader's notes."""
    report = LogReport("log.csv", strict=strict)
    lines = [f"{line}\n" for line in (header, *rows)]
    return list(read_csv(lambda: nullcontext(lines), form, report)), report


ORDERS = "ts,customer_id,type,subtype,ref_id,amount"


def orders_of(events: list[LogEvent]) -> list[tuple[str, str, float | None, str | None]]:
    """Customer, order, amount and currency of the purchases."""
    found = [json.loads(event.value) for event in events]
    return [(one["customer_id"], one["order_id"], one.get("amount"), one.get("currency")) for one in found]
