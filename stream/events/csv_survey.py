"""What only the whole of a CSV file tells: decimal signs, orders of dates, rows that repeat, orders of several rows."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
import xxhash

from stream.catalogue.events import EVENT_NAMES
from stream.catalogue.identifiers import IDENTIFIERS
from stream.catalogue.wording import number_of
from stream.errors import EventLogError
from stream.events.csv_rows import Cells
from stream.events.log_form import LineItems, LogForm
from stream.events.log_report import LogReport
from stream.events.parsing_numbers import DecimalSigns
from stream.events.parsing_times import DateOrder, DateOrders

__all__ = ["NAMES", "CsvSurvey", "digest_of", "name_of", "order_key", "survey"]

#: Native names of types and subtypes, where they differ from the subtype.
NAMES: Final = {(one.type, subtype): one.name for one in EVENT_NAMES.values() for subtype in one.csv}
_SEPARATOR = "\x1f"


def name_of(cells: Cells) -> tuple[str, str]:
    """Type and native name of the event that a row is."""
    return _name_of(cells.type, cells.subtype)


@lru_cache(maxsize=1024)
def _name_of(written_type: str, written_subtype: str) -> tuple[str, str]:
    event_type, subtype = written_type.strip().lower(), written_subtype.strip().lower()
    return event_type, NAMES.get((event_type, subtype), subtype)


def digest_of(cells: Cells) -> int:
    """What a row is, in 64 bits: time, customer, type, subtype and reference; of an order without one, its amount."""
    known = cells[2:5] if cells.ref_id.strip() or name_of(cells)[0] != "purchase" else cells[2:6]
    known = (cells.ts, _whose(cells), *known)
    return xxhash.xxh3_64_intdigest(_SEPARATOR.join(known).encode(errors="surrogatepass"))


def _whose(cells: Cells) -> str:
    """The customer, else all other identifiers of the row."""
    return cells.customer_id or _SEPARATOR.join(getattr(cells, kind) for kind in IDENTIFIERS).strip(_SEPARATOR)


def order_key(cells: Cells) -> int:
    """What rows of one order share: customer, order and day."""
    day = cells.ts.strip().replace("T", " ").partition(" ")[0]
    return xxhash.xxh3_64_intdigest(_SEPARATOR.join((_whose(cells), cells.ref_id.strip(), day)).encode())


@dataclass(slots=True)
class CsvSurvey:
    """The answers; sizes of what repeats only, so a file of lone rows takes nothing.

    ``repeated``: digests of rows that are there more than once. ``orders``: rows of each order (`order_key`) that
    has more than one, and ``line_items`` what they are.
    """

    signs: DecimalSigns
    decimal: str | None
    date_order: DateOrder | None
    repeated: frozenset[int] = frozenset()
    orders: dict[int, int] = field(default_factory=dict)
    line_items: LineItems = LineItems.SUM


def survey(rows: Iterable[Cells], form: LogForm, report: LogReport) -> CsvSurvey:
    """Look at all ``rows``. 24 bytes a row are held meanwhile.

    Raises
    ------
    EventLogError
        What a file means is in doubt, and `form` does not say: decimal sign, order of dates or several rows of an
        order. The message asks, and names the option that answers.
    """
    signs, dates = DecimalSigns(), DateOrders()
    digests, keys, amounts, lines = array("Q"), array("Q"), array("Q"), array("Q")
    for cells in rows:
        dates.see(cells.ts)
        digests.append(digest_of(cells))
        event_type, name = name_of(cells)
        if event_type != "purchase":
            continue
        signs.see(cells.amount)
        if name == "completed" and cells.ref_id.strip():
            keys.append(order_key(cells))
            amount = cells.amount.strip()
            amounts.append(xxhash.xxh3_64_intdigest(amount.encode()) if amount else 0)
            lines.append(cells.line)
    found = CsvSurvey(signs, form.decimal or _decimal(signs, report), form.date_order or _order(dates, report))
    values, counts = np.unique(np.frombuffer(digests, np.uint64), return_counts=True)
    found.repeated = frozenset(values[counts > 1].tolist())
    _survey_orders(found, keys, amounts, lines, form, report)
    return found


def _decimal(signs: DecimalSigns, report: LogReport) -> str | None:
    if signs.sign is None and not signs.mixed and signs.doubtful is not None and "," in signs.doubtful:
        raise EventLogError(
            f"{report.source}: the amount {signs.doubtful} can be read in two ways: say --decimal point if the comma"
            " groups thousands, --decimal comma if it is the decimal sign"
        )
    if signs.sign == ",":
        report.note("amounts have a decimal comma")
    return signs.sign


def _order(dates: DateOrders, report: LogReport) -> DateOrder | None:
    if dates.order is None and not dates.mixed and dates.doubtful is not None:
        raise EventLogError(
            f"{report.source}: the date {dates.doubtful} can be read in two ways: say --dates dmy if the day comes"
            " first, --dates mdy if the month does"
        )
    if dates.order is not None:
        report.note(f"dates begin with the {'day' if dates.order is DateOrder.DAY_FIRST else 'month'}")
    return dates.order


def _survey_orders(
    found: CsvSurvey, keys: "array[int]", amounts: "array[int]", lines: "array[int]", form: LogForm, report: LogReport
) -> None:
    values, first, inverse, counts = np.unique(
        np.frombuffer(keys, np.uint64), return_index=True, return_inverse=True, return_counts=True
    )
    several = counts > 1
    if not several.any():
        return
    found.orders = dict(zip(values[several].tolist(), counts[several].tolist(), strict=True))
    # of the amounts that are known: do they differ within any of these orders, do they repeat?
    amount = np.frombuffer(amounts, np.uint64)
    known = several[inverse] & (amount != 0)
    pairs = np.unique(np.stack([inverse[known].astype(np.uint64), amount[known]], axis=1), axis=0)
    known_rows = np.bincount(inverse[known], minlength=len(values))
    different = np.bincount(pairs[:, 0].astype(np.int64), minlength=len(values))
    repeats = known_rows > 1
    if form.line_items is not None:
        found.line_items = form.line_items
    elif repeats.any() and not (different > 1).any():
        order = int(np.flatnonzero(repeats)[0])
        line, more = lines[int(first[order])], int(repeats.sum()) - 1
        others = (
            f", and so {'has' if more == 1 else 'have'} {number_of(more, 'other order', 'other orders')}"
            if more
            else ""
        )
        raise EventLogError(
            f"{report.source}, line {line:,}: this order has {int(counts[order])} rows of the same amount{others}:"
            " say --line-items sum if the rows are its items, whose amounts are added up, --line-items first if each"
            " row is the whole order"
        )
    orders = int(several.sum())
    has, its = ("has", "its") if orders == 1 else ("have", "their")
    what = f"rows are {its} items, added up" if found.line_items is LineItems.SUM else "first amount is taken"
    report.note(f"{number_of(orders, 'order', 'orders')} {has} several rows: the {what}")
