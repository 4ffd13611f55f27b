"""Rows of the CSV format of event logs to native events.

One row is one event, in the columns ``ts, customer_id, type, subtype`` and, where it has them, ``ref_id, amount,
currency, product_id, quantity, channel, scale, value, text, language`` (others are ignored):

===========  ==============================  ======================  ===========================================
type         subtype                         name                    ``ref_id`` becomes
===========  ==============================  ======================  ===========================================
purchase     basket, order, completed        completed               ``order_id``
purchase     return, refund, refunded        refunded, abs(amount)   ``order_id``
purchase     cancel, canceled, cancelled     cancelled               ``order_id``
email        any                             as it is                ``campaign_id``
click        coupon_redeem                   coupon_redeemed         nothing
click        any other                       as it is                ``product_id``
feedback     any                             as it is                ``product_id``
interaction  any                             as it is                ``place``
consent      granted, withdrawn              as it is                ``purpose``
===========  ==============================  ======================  ===========================================

The last five columns are those of feedback; an interaction takes ``channel, text, language`` of them. The
``channel`` of a consent is its ``contact_channel``, and ``text`` is what the shop wrote. Columns with the
names of identifiers (`stream.catalogue.identifiers`) tell by what else the customer is known. ``customer_id`` may be
empty then.

Several rows of one order, of a customer and a day, are one order (`stream.events.csv_survey`). An order or refund
without a ``ref_id`` gets an ``order_id`` made from what it is; one without an amount has none.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import orjson

from stream.catalogue.events import EVENT_TYPES
from stream.catalogue.identifiers import IDENTIFIERS
from stream.catalogue.wording import number_of
from stream.events.csv_rows import Cells, read_rows
from stream.events.csv_survey import CsvSurvey, digest_of, name_of, order_key, survey
from stream.events.kept_bytes import kept
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.log_form import LineItems, LogForm
from stream.events.log_report import LogReport
from stream.events.parsing_numbers import number
from stream.events.parsing_times import instant_of
from stream.events.rejections import Defect
from stream.events.times import epoch_ms

__all__ = ["read_csv"]

_TYPES = {event_type.value: event_type for event_type in EventType}
#: Orders of more items go without them: a record has its limits, and the amount is what counts.
_MAX_ITEMS: Final = 400
#: Those are the last cells of a row, before its line.
_FIRST_IDENTIFIER: Final = Cells._fields.index(next(iter(IDENTIFIERS)))
#: The columns of a row, and the fields that they become.
_SAID: Final = {
    EventType.FEEDBACK: {name: name for name in ("channel", "scale", "text", "language")},
    EventType.INTERACTION: {name: name for name in ("channel", "text", "language")},
    EventType.CONSENT: {"channel": "contact_channel", "text": "text"},
}

Lines = Callable[[], AbstractContextManager[Iterable[str]]]


def read_csv(lines: Lines, form: LogForm, report: LogReport) -> Iterator[LogEvent]:
    """Yield the events of a file, in its order; an order of several rows where its last row is.

    ``lines`` opens the file, and is called twice: the meaning of the file follows from all of it. ``event_id`` is a
    hash of (ts, customer, type, subtype, ref_id), with an ordinal from the second exact repeat on: reading a file
    again gives the same ids. Rows without a readable time, a known type or a number for an amount are rejected.

    Raises
    ------
    EventLogError
        Columns are missing, a quote is never closed, or what the file means is in doubt.
    """
    with lines() as rows:
        # what is rejected is counted when it is read again
        found = survey(read_rows(rows, LogReport(report.source)), form, report)
    with lines() as rows:
        reader = _Reader(found, form, report)
        for cells in read_rows(rows, report):
            yield from reader.read(cells)
        yield from reader.rest()


class _Row:
    """A row that has been read: what its event takes from it."""

    __slots__ = ("amount", "at", "cells", "digest", "event_type", "name", "value")

    def __init__(self, cells: Cells, at: datetime, amount: float | None, value: float | None) -> None:
        self.cells = cells
        self.at = at
        self.amount = amount
        self.value = value
        self.digest = digest_of(cells)
        event_type, self.name = name_of(cells)
        self.event_type = _TYPES[event_type]


class _Reader:
    """Makes events of rows; rows of an order of several wait for each other."""

    def __init__(self, found: CsvSurvey, form: LogForm, report: LogReport) -> None:
        self._found = found
        self._form = form
        self._report = report
        self._ordinals: dict[int, int] = {}
        self._waiting: dict[int, list[_Row]] = {}
        self._left = dict(found.orders)
        self._without_amount = self._without_id = 0

    def read(self, cells: Cells) -> Iterator[LogEvent]:
        """The event that is complete with this row, if one is."""
        row = self._row(cells)
        if not self._left or name_of(cells)[1] != "completed":
            if row is not None:
                yield self._event([row])
            return
        key = order_key(cells) if cells.ref_id.strip() else 0
        left = self._left.get(key)
        if left is None:
            if row is not None:
                yield self._event([row])
            return
        # a rejected row counts as well: otherwise the others would wait until the end
        waiting = self._waiting.setdefault(key, [])
        if row is not None:
            waiting.append(row)
        self._left[key] = left - 1
        if left == 1:
            del self._left[key], self._waiting[key]
            if waiting:
                yield self._event(waiting)

    def rest(self) -> Iterator[LogEvent]:
        """What still waits when the file ends; then the notes."""
        for rows in self._waiting.values():
            if rows:
                yield self._event(rows)
        if self._without_id:
            what = number_of(self._without_id, "order or refund", "orders and refunds")
            self._report.note(f"{what} without an id: an id is made from what is known")
        if self._without_amount:
            what = number_of(self._without_amount, "order", "orders")
            as_what = "it counts as an order" if self._without_amount == 1 else "they count as orders"
            self._report.note(f"{what} without an amount: {as_what} of unknown amount")

    def _row(self, cells: Cells) -> _Row | None:
        """What the row says, or None if it is rejected."""
        event_type, name = name_of(cells)
        if event_type not in _TYPES:
            expected = f"expected a type of {', '.join(_TYPES)}; got {cells.type!r}"
            self._report.reject(Defect.UNKNOWN_NAME, cells.line, expected)
            return None
        try:
            at = instant_of(cells.ts, self._form.timezone, self._found.date_order)
        except ValueError as error:
            self._report.reject(Defect.BAD_TIMESTAMP, cells.line, str(error))
            return None
        amount = None
        if event_type == "purchase" and cells.amount.strip():
            amount = self._number(cells.amount)
            if amount is None:
                self._report.reject(Defect.BAD_AMOUNT, cells.line, f"the amount {cells.amount.strip()!r} is no number")
                return None
            if name == "refunded":
                amount = abs(amount)
        value = None
        if event_type == EventType.FEEDBACK and cells.value.strip():
            value = self._number(cells.value)
            if value is None:
                self._report.reject(Defect.BAD_SCORE, cells.line, f"the value {cells.value.strip()!r} is no number")
                return None
        return _Row(cells, at, amount, value)

    def _number(self, cell: str) -> float | None:
        decimal = self._found.decimal
        return self._found.signs.number(cell) if decimal is None else number(cell, decimal)

    def _event(self, rows: list[_Row]) -> LogEvent:
        """One event of the rows of one order, or of one row."""
        row = min(rows, key=lambda one: one.at)
        cells = row.cells
        native: dict[str, Any] = {
            "event_id": self._event_id(row.digest),
            "customer_id": cells.customer_id,
            "occurred_at": row.at,
            "name": row.name,
        }
        reference, field = cells.ref_id.strip(), EVENT_TYPES[row.event_type].reference
        if row.event_type is EventType.PURCHASE:
            self._add_purchase(native, rows, row)
        elif reference and field and row.name != "coupon_redeemed":
            native[field] = reference
        for said, becomes in _SAID.get(row.event_type, {}).items():
            if cell := getattr(cells, said).strip():
                native[becomes] = cell
        if row.value is not None:
            native["value"] = row.value
        if any(cells[_FIRST_IDENTIFIER:-1]) and (
            identifiers := {kind: cell for kind in IDENTIFIERS if (cell := getattr(cells, kind).strip())}
        ):
            native["identifiers"] = identifiers
        value = kept(orjson.dumps(native, option=orjson.OPT_UTC_Z))
        return LogEvent(row.event_type, cells.customer_id, epoch_ms(row.at), value, rows[0].cells.line)

    def _add_purchase(self, native: dict[str, Any], rows: list[_Row], row: _Row) -> None:
        cells = row.cells
        if cells.ref_id.strip():
            native["order_id"] = cells.ref_id.strip()
        elif row.name in {"completed", "refunded"}:  # a cancellation of what is not named cancels nothing
            native["order_id"] = f"without-id-{native['event_id']}"
            self._without_id += 1
        amounts = [one.amount for one in rows if one.amount is not None]
        if amounts:
            summed = len(amounts) > 1 and self._found.line_items is LineItems.SUM
            native["amount"] = round(sum(amounts), 4) if summed else amounts[0]
            currency = next((one.cells.currency for one in rows if one.cells.currency.strip()), self._form.currency)
            native["currency"] = currency.strip().upper()
            self._report.currencies[native["currency"]] += 1
        elif row.name == "completed":
            self._without_amount += 1
        if row.name == "completed" and (items := _items(rows, summed=self._found.line_items is LineItems.SUM)):
            native["items"] = items

    def _event_id(self, digest: int) -> str:
        if digest not in self._found.repeated:
            return f"{digest:016x}"
        ordinal = self._ordinals[digest] = self._ordinals.get(digest, 0) + 1
        return f"{digest:016x}" if ordinal == 1 else f"{digest:016x}-{ordinal}"


def _items(rows: list[_Row], *, summed: bool) -> list[dict[str, Any]]:
    """The items that the rows name, or that they are."""
    items = []
    for position, row in enumerate(rows, 1):
        product = row.cells.product_id.strip()
        if not product and len(rows) == 1:
            continue
        item: dict[str, Any] = {"product_id": (product or str(position))[:256]}
        quantity = number(row.cells.quantity)
        if quantity is not None:
            item["quantity"] = quantity
        if row.amount is not None and summed and len(rows) > 1:
            item["price"] = row.amount
        items.append(item)
    return items if len(items) <= _MAX_ITEMS else []
