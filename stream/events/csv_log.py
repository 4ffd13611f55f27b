"""Rows of the shared CSV format to native events.

One row is one event, in the columns ``ts, customer_id, type, subtype, ref_id, amount`` (others are ignored):

=========  ==============================  ======================  ===========================================
type       subtype                         name                    ``ref_id`` becomes
=========  ==============================  ======================  ===========================================
purchase   basket, order, completed        completed               ``order_id``
purchase   return, refund, refunded        refunded, abs(amount)   ``order_id``
purchase   cancel, cancelled               cancelled               ``order_id``
email      any                             as it is                ``campaign_id``
click      coupon_redeem                   coupon_redeemed         nothing
click      any other                       as it is                ``product_id``
=========  ==============================  ======================  ===========================================

A row that cannot be *placed*, because its time or type is missing or unreadable, ends the reading with an
error. Any other bad cell is passed on as it is: the decoder makes a dead letter of it, as it would of a
producer's bad record.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from operator import itemgetter
from typing import Any

import orjson
import xxhash

from stream.errors import EventLogError
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.times import epoch_ms

__all__ = ["COLUMNS", "read_csv"]

#: In the order in which `_event` takes the cells; a file may have them in any order, among others.
COLUMNS = ("ts", "customer_id", "type", "subtype", "ref_id", "amount")

_TYPES = {event_type.value: event_type for event_type in EventType}
_NAMES = {
    ("purchase", "basket"): "completed",
    ("purchase", "order"): "completed",
    ("purchase", "return"): "refunded",
    ("purchase", "refund"): "refunded",
    ("purchase", "cancel"): "cancelled",
    ("click", "coupon_redeem"): "coupon_redeemed",
}
_REFERENCES = {"purchase": "order_id", "email": "campaign_id", "click": "product_id"}


def read_csv(lines: Iterable[bytes], source: str, *, timezone: tzinfo, currency: str) -> Iterator[LogEvent]:
    """Yield the events of `lines`, in their order.

    ``event_id`` is a hash of (ts, customer, type, subtype, ref_id), with an ordinal from the second exact
    repeat on: reading a file again gives the same ids. The hashes are kept, about 100 bytes a row.

    Raises
    ------
    EventLogError
        Columns are missing, or a row is not UTF-8, has no readable time, no known type or the wrong number of
        cells. `source` and the line are named.
    """
    rows = csv.reader(map(bytes.decode, lines), strict=True)
    try:
        header = next(filter(_is_written, rows), [])
        cells_of = _picker(header)
        seen: dict[int, int] = {}
        for row in rows:
            if len(row) != len(header):
                _require_blank(row, len(header))
                continue
            cells = cells_of(row)
            digest = xxhash.xxh3_64_intdigest("\x1f".join(cells[:5]).encode())
            ordinal = seen[digest] = seen.get(digest, 0) + 1
            event_id = f"{digest:016x}" if ordinal == 1 else f"{digest:016x}-{ordinal}"
            yield _event(event_id, cells, timezone, currency)
    except (csv.Error, ValueError, OverflowError) as error:
        # A line that is not UTF-8 was not handed to the reader, which therefore has not counted it.
        line = rows.line_num + isinstance(error, UnicodeDecodeError)
        raise EventLogError(f"{source}, line {line}: {error}") from error


def _is_written(row: list[str]) -> bool:
    return any(map(str.strip, row))


def _require_blank(row: list[str], width: int) -> None:
    if _is_written(row):
        raise ValueError(f"expected {width} cells, got {len(row)}")


def _picker(header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    return itemgetter(*(names.index(name) for name in COLUMNS))


def _event(event_id: str, cells: tuple[str, ...], timezone: tzinfo, currency: str) -> LogEvent:
    ts, customer_id, type_, subtype, ref_id, amount = cells
    event_type = _TYPES.get(type_)
    if event_type is None:
        raise ValueError(f"expected a type of {', '.join(_TYPES)}; got {type_!r}")
    at = datetime.fromisoformat(ts)
    at = (at if at.tzinfo else at.replace(tzinfo=timezone)).astimezone(UTC)
    name = _NAMES.get((type_, subtype), subtype)
    native: dict[str, Any] = {
        "event_id": event_id,
        "customer_id": customer_id,
        "occurred_at": at,
        "name": name,
    }
    if ref_id and name != "coupon_redeemed":
        native[_REFERENCES[type_]] = ref_id
    if amount and event_type is EventType.PURCHASE:
        number = _number(amount)
        native["amount"] = abs(number) if name == "refunded" and isinstance(number, float) else number
        native["currency"] = currency
    return LogEvent(event_type, customer_id, epoch_ms(at), orjson.dumps(native, option=orjson.OPT_UTC_Z))


def _number(cell: str) -> float | str:
    """Return the finite number in `cell`, else the cell itself, for the decoder to refuse."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell
