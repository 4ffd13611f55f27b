"""What a step changes: a pure fold of messages into rows.

Every thing counts once, whatever the order in which topics come: entries are a set, totals are sums over it, a document
gives way to a newer one, and orders follow from all entries of purchases of the customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from stream.directory.calendar import Grain, period_of
from stream.directory.purchases import Cell, Metric, bought, contributions
from stream.directory.schema import customers
from stream.directory.timeline import STAGE, Document, TimelineEntry
from stream.events.kinds import EventType
from stream.identity.links import Link
from stream.projections.identity import Linked

__all__ = [
    "DOCUMENT_COLUMNS",
    "VERSION",
    "Changes",
    "Incoming",
    "TimelinePurchases",
    "first_of_each",
    "flows_of",
    "fold",
    "of_customers",
    "of_purchases",
    "sorted_out",
]

#: Raise it when the same records give other rows: the directory is then built anew.
VERSION: Final = 4

_EVENT_SOURCES: Final = frozenset(EventType)
_NEW: Final[Mapping[str, Any]] = {"events": 0, "orders": 0, "spend": 0}
_OF_EVENTS: Final = frozenset(
    {"customer_id", "events", "first_ms", "last_ms", "orders", "spend", "first_order_ms", "last_order_ms"}
)
#: Columns of a customer that a document fills.
DOCUMENT_COLUMNS: Final = tuple(column.name for column in customers.columns if column.name not in _OF_EVENTS)


class Incoming(NamedTuple):
    """Messages of a step. ``entries``: by what makes each known again, the first telling of it.

    ``documents``: of each customer the newest; ``last``: the one that came last.
    """

    entries: Mapping[tuple[str, str, int], TimelineEntry]
    documents: Mapping[str, Document]
    last: Mapping[str, Document]
    links: Sequence[Link]


class TimelinePurchases(NamedTuple):
    """All entries of purchases of a customer, those of a step among them; ``before``: as they were before the step."""

    now: Sequence[TimelineEntry]
    before: Sequence[TimelineEntry]


class Changes(NamedTuple):
    """Rows to write: ``customers`` and ``orders`` as they are now, ``totals`` and ``channels`` as what is added."""

    customers: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    totals: Mapping[Cell, int]
    channels: Mapping[tuple[str, str], int]


def sorted_out(messages: Iterable[object]) -> Incoming:
    """Put messages, in the order of their topics, together by what they are about."""
    entries: dict[tuple[str, str, int], TimelineEntry] = {}
    documents: dict[str, Document] = {}
    last: dict[str, Document] = {}
    links: list[Link] = []
    for message in messages:
        if isinstance(message, TimelineEntry):
            entries.setdefault((message.customer_id, message.source, message.id), message)
        elif isinstance(message, Document):
            former = documents.get(message.customer_id)
            if former is None or _age(message.columns) >= _age(former.columns):
                documents[message.customer_id] = message
            last[message.customer_id] = message
        elif isinstance(message, Linked):
            links.append(message.link)
        else:
            raise TypeError(f"expected an entry, a document or a link, got {type(message).__name__}")
    return Incoming(entries, documents, last, links)


def of_purchases(entries: Iterable[TimelineEntry]) -> list[str]:
    """The customers, each once, whose orders may change with ``entries``."""
    return [*dict.fromkeys(entry.customer_id for entry in entries if entry.source == EventType.PURCHASE)]


def of_customers(entries: Iterable[TimelineEntry], customers: Mapping[str, str]) -> list[TimelineEntry]:
    """Entries as those of the ``customers`` to whom their ids belong; of repeats that of the first id comes first."""
    in_order = sorted(entries, key=lambda entry: entry[:3])
    return [entry._replace(customer_id=customers.get(entry.customer_id, entry.customer_id)) for entry in in_order]


def first_of_each(entries: Iterable[TimelineEntry]) -> Iterable[TimelineEntry]:
    """``entries`` without those that the same customer has already, which came under several ids."""
    return {entry[:3]: entry for entry in reversed([*entries])}.values()


def flows_of(entry: TimelineEntry, zone: ZoneInfo) -> list[Cell]:
    """The sums in which a change of stage counts; of any other entry none."""
    if entry.source != STAGE:
        return []
    flow = f"{(entry.detail or {}).get('from') or ''}>{entry.name}"
    return [Cell(grain, Metric.FLOW, period_of(grain, entry.at_ms, zone), flow) for grain in Grain]


def fold(
    new: Sequence[TimelineEntry],
    documents: Mapping[str, Document],
    stored: Mapping[str, Mapping[str, Any]],
    purchases: Mapping[str, TimelinePurchases],
    zone: ZoneInfo,
    *,
    repeats: Collection[int] = (),
    newest: Collection[str] = (),
) -> Changes:
    """Fold entries that were not known before, and documents.

    ``stored``: rows of the customers, of those that have one. ``purchases``: of each customer of `of_purchases`.
    ``repeats``: places in ``new`` of what the customer has under another id already. ``newest``: customers whose
    document is the newest whatever it says, for it may have fewer events than the one before.
    """
    rows: dict[str, dict[str, Any]] = {}

    def row(customer_id: str) -> dict[str, Any]:
        if customer_id not in rows:
            former = stored.get(customer_id)
            rows[customer_id] = {"customer_id": customer_id, **_NEW} if former is None else dict(former)
        return rows[customer_id]

    totals: Counter[Cell] = Counter()
    channels: Counter[tuple[str, str]] = Counter()
    for place, entry in enumerate(new):
        of_customer = row(entry.customer_id)
        is_first = place not in repeats
        if entry.source in _EVENT_SOURCES:
            of_customer["events"] += is_first
            of_customer["first_ms"] = min(entry.at_ms, _or(of_customer.get("first_ms"), entry.at_ms))
            of_customer["last_ms"] = max(entry.at_ms, _or(of_customer.get("last_ms"), entry.at_ms))
            if entry.channel and is_first:
                channels[entry.customer_id, entry.channel] += 1
        elif is_first:
            totals.update(flows_of(entry, zone))
    for document in documents.values():
        of_customer = row(document.customer_id)
        if document.customer_id in newest or _age(document.columns) >= _age(of_customer):
            of_customer.update(document.columns)
    orders = _fold_orders(new, purchases, row, totals, zone)
    moved = {cell: value for cell, value in totals.items() if value}
    return Changes([*rows.values()], orders, moved, channels)


def _fold_orders(
    new: Sequence[TimelineEntry],
    purchases: Mapping[str, TimelinePurchases],
    row: Any,
    totals: Counter[Cell],
    zone: ZoneInfo,
) -> list[Mapping[str, Any]]:
    touched: list[Mapping[str, Any]] = []
    changed = {(entry.customer_id, entry.order_id) for entry in new if entry.source == EventType.PURCHASE}
    for customer_id in of_purchases(new):
        now, before = map(bought, purchases[customer_id])
        totals.update(contributions(now.purchases, zone))
        totals.subtract(contributions(before.purchases, zone))
        at = [purchase.at_ms for purchase in now.purchases if purchase.is_order]
        row(customer_id).update(
            orders=len(at),
            spend=sum(purchase.amount for purchase in now.purchases),
            first_order_ms=min(at, default=None),
            last_order_ms=max(at, default=None),
        )
        touched += [order for order in now.orders if (customer_id, order["order_id"]) in changed]
    return touched


def _age(columns: Mapping[str, Any]) -> tuple[int, int]:
    return _or(columns.get("document_events"), -1), _or(columns.get("as_of_ms"), -1)


def _or(value: int | None, other: int) -> int:
    return other if value is None else value
