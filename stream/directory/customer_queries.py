"""Asking for customers: by id and by what is known of them, a page at a time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, Subquery, and_, exists, func, select, text, tuple_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from stream.directory.database import as_dict
from stream.directory.linked_persons import customer_of
from stream.directory.schema import CHOSEN, channels, customers
from stream.errors import CursorError, SettingsError
from stream.events.columns import MONEY_SCALE

__all__ = [
    "Condition",
    "CustomerPage",
    "Sort",
    "amount_of",
    "cursor_of",
    "customer",
    "customers_page",
    "every_customer",
    "position_of",
]

#: Follows every text that begins with what stands before it, by bytes.
_LAST: Final = "\U0010ffff"
_AT_ONCE: Final = 1000
#: So many rows are sorted in some 30 ms; of more, the first of a list are found soon along its order.
_FEW: Final = 10_000
_Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]
#: The largest number that databases compare.
_MAX_INTEGER: Final = 2**63 - 1


class Sort(StrEnum):
    """By what a list is ordered: by id, or the largest first. A list has only customers of whom that is known."""

    ID = "id"
    SPEND = "spend"
    LAST_ORDER = "last-order"
    RISK = "risk"
    AT_STAKE = "at-stake"

    @property
    def column(self) -> Column[Any]:
        names = {
            self.SPEND: "spend",
            self.LAST_ORDER: "last_order_ms",
            self.RISK: "risk",
            self.AT_STAKE: "value_at_risk",
        }
        return customers.c[names.get(self, "customer_id")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Which customers; all that is given must hold. Money is in 1/MONEY_SCALE of the base currency.

    ``begins``: how the id begins. Of ``stages``, ``tiers`` and ``segments`` one must be the customer's.
    ``channel``: the customer came by it at least once. ``ordered_from_ms`` until before ``ordered_before_ms``: when
    the last order was. Raises `SettingsError` for texts and numbers that no customer can have.
    """

    begins: str = ""
    stages: Sequence[str] = ()
    tiers: Sequence[str] = ()
    segments: Sequence[str] = ()
    risk_from: float | None = None
    at_stake_from: int | None = None
    spend_from: int | None = None
    channel: str | None = None
    ordered_from_ms: int | None = None
    ordered_before_ms: int | None = None

    def __post_init__(self) -> None:
        figures = (self.at_stake_from, self.spend_from, self.ordered_from_ms, self.ordered_before_ms, self.risk_from)
        given = (self.begins, self.channel, *self.stages, *self.tiers, *self.segments, *figures)
        if odd := [one for one in given if one is not None and not _is_comparable(one)]:
            raise SettingsError(f"no customer can be compared with {odd[0]!r}")

    def clauses(self, of: _Columns = customers.c) -> Iterator[ColumnElement[bool]]:
        """As SQL, for the columns ``of`` customers."""
        yield from self._of_groups(of)
        yield from self._of_figures(of)
        if self.channel is not None:
            came = (channels.c.customer_id == of.customer_id) & (channels.c.channel == self.channel)
            yield exists().where(came)

    def rare(self, connection: Connection) -> tuple[Subquery, Condition] | None:
        """The customers to whom the part applies that applies to fewest, and what else they must meet.

        None if each part applies to many. Stage, tier and segment together are one part: of many at risk and many VIPs
        few may be both.
        """
        groups = [*self._of_groups(customers.c)]
        parts = [select(customers).where(clause) for clause in self._of_figures(customers.c)]
        if groups:
            parts.append(select(customers).where(*groups))
        chosen = [(_counted_to_few(connection, part), part, self) for part in parts]
        if self.channel is not None:
            came = select(channels.c.customer_id).where(channels.c.channel == self.channel).limit(_FEW)
            part = select(customers).where(_is_one_of(connection, came))
            chosen.append((_counted_to_few(connection, came), part, replace(self, channel=None)))
        if not chosen:
            return None
        count, rarest, others = min(chosen, key=itemgetter(0))
        if count >= _FEW:
            return None
        # databases do not look into what has a limit, and so find these few first
        known = rarest.with_only_columns(*(customers.c[name] for name in CHOSEN))
        return known.limit(_FEW).subquery("few"), others

    def _of_groups(self, of: _Columns) -> Iterator[ColumnElement[bool]]:
        for column, wanted in ((of.stage, self.stages), (of.tier, self.tiers), (of.segment, self.segments)):
            if wanted:
                yield column.in_([*wanted])

    def _of_figures(self, of: _Columns) -> Iterator[ColumnElement[bool]]:
        if self.begins:
            yield and_(of.customer_id >= self.begins, of.customer_id < self.begins + _LAST)
        for column, bound in ((of.risk, self.risk_from), (of.value_at_risk, self.at_stake_from)):
            if bound is not None:
                yield column >= bound
        if self.spend_from is not None:
            yield of.spend >= self.spend_from
        bounds = (self.ordered_from_ms, self.ordered_before_ms)
        if ordered := [
            of.last_order_ms >= bound if is_first else of.last_order_ms < bound
            for bound, is_first in zip(bounds, (True, False), strict=True)
            if bound is not None
        ]:
            yield and_(*ordered)


class CustomerPage(NamedTuple):
    """``rows``: columns of the table of customers. ``cursor``: where the next page begins, None after the last."""

    rows: Sequence[dict[str, Any]]
    cursor: str | None


def amount_of(money: float) -> int:
    """Money in major units as columns have it. Raises `SettingsError` for what is no amount.

    >>> amount_of(12.5)
    125000
    """
    if not _is_comparable(money * MONEY_SCALE):
        raise SettingsError(f"expected an amount of money, got {money:g}")
    return round(money * MONEY_SCALE)


def customers_page(
    connection: Connection, condition: Condition, sort: Sort = Sort.ID, *, limit: int, cursor: str | None = None
) -> CustomerPage:
    """At most ``limit`` customers from ``cursor`` on. Raises `SettingsError` for a cursor that is none."""
    # those of a stage stand in the order of the list, few or many
    rare = None if _is_sorted_stage(condition, sort) else condition.rare(connection)
    others = condition
    if rare is not None:
        few, others = rare
        of: _Columns = few.c
    elif connection.dialect.name == "sqlite":
        # of many customers a page is found soon along the order of the list; SQLite would sort all of a stage
        of = _along(_index_of(condition, sort)).c
    else:
        of = customers.c
    query = _sorted(select(of.customer_id).where(*others.clauses(of)), sort, of)
    if cursor is not None:
        sort_of, *position = position_of(cursor, 3)
        if sort_of != sort.value:
            raise SettingsError(f"the cursor is of a list by {sort_of}, not by {sort}")
        query = query.where(_after(sort, position, of))
    # rows as a whole are read of the page alone: all that is needed to find it stands in indexes
    page = query.limit(limit + 1).subquery("page")
    whole = select(customers).where(customers.c.customer_id.in_(select(page.c.customer_id)))
    rows = [as_dict(row) for row in connection.execute(_sorted(whole, sort, customers.c))]
    if len(rows) <= limit:
        return CustomerPage(rows, None)
    last = rows[limit - 1]
    return CustomerPage(rows[:limit], cursor_of(sort.value, last[sort.column.name], last["customer_id"]))


def every_customer(connection: Connection, condition: Condition, sort: Sort = Sort.ID) -> Iterator[dict[str, Any]]:
    """All that meet the condition, in bounded memory."""
    query = _sorted(select(customers).where(*condition.clauses()), sort, customers.c)
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        yield as_dict(row)


def customer(connection: Connection, customer_id: str) -> dict[str, Any] | None:
    """The row of the customer to whom an id belongs, None for an unknown one; ``channels``: events by channel.

    It has what came under all ids of the person. Channels with most events come first. Raises `SettingsError` for a
    text that is no id.
    """
    if not _is_comparable(customer_id):
        raise SettingsError(f"{customer_id!r} is not a customer id")
    customer_id = customer_of(connection, customer_id)
    row = connection.execute(select(customers).where(customers.c.customer_id == customer_id)).one_or_none()
    if row is None:
        return None
    of = channels.c
    used = select(of.channel, of.events).where(of.customer_id == customer_id).order_by(of.events.desc(), of.channel)
    found = {channel: count for channel, count in connection.execute(used)}  # noqa: C416 - rows are not pairs
    return {**as_dict(row), "channels": found}


def cursor_of(*position: object) -> str:
    """A position as a text that is fit for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position_of(cursor: str, length: int) -> list[Any]:
    """What `cursor_of` was given. Raises `CursorError` for another text.

    >>> position_of(cursor_of("id", 1, "c-1"), 3)
    ['id', 1, 'c-1']
    """
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        found = []
    if len(found) != length or not all(map(_is_comparable, found)):
        raise CursorError
    return found


def _is_comparable(value: object) -> bool:
    """Whether a text or a number may be asked for in any database."""
    if isinstance(value, str):
        # half of a surrogate pair stands for a byte that is no text
        return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    # NaN is in no order
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_INTEGER


def _counted_to_few(connection: Connection, chosen: Select[Any]) -> int:
    """How many there are, counted up to `_FEW`, in an index alone."""
    counted_to = chosen.with_only_columns(chosen.selected_columns.customer_id).limit(_FEW).subquery()
    return int(connection.execute(select(func.count()).select_from(counted_to)).scalar_one())


def _is_one_of(connection: Connection, ids: Select[Any]) -> ColumnElement[bool]:
    if connection.dialect.name == "sqlite":
        return customers.c.customer_id.in_(ids)
    # of an array PostgreSQL looks each id up; it would go through all customers beside a table of ids
    return customers.c.customer_id == func.any(func.array(ids.scalar_subquery()))


def _along(index: str) -> Subquery:
    """All customers, of whom SQLite looks for those that are wanted along an index."""
    names = ", ".join(CHOSEN)
    # names of this package alone
    found = text(f"SELECT {names} FROM {customers.name} INDEXED BY {index}")  # noqa: S608
    return found.columns(*(customers.c[name] for name in CHOSEN)).subquery()


def _index_of(condition: Condition, sort: Sort) -> str:
    """The index that has customers in the order of a list, with all that conditions ask for or none but its own."""
    name = "stage" if _is_sorted_stage(condition, sort) else "by"
    return f"{customers.name}_{name}_{sort.column.name}"


def _is_sorted_stage(condition: Condition, sort: Sort) -> bool:
    """Whether an index has just those who are wanted, in the order of the list."""
    return sort is not Sort.ID and len(condition.stages) == 1 and condition == Condition(stages=condition.stages)


def _sorted(query: Select[Any], sort: Sort, of: _Columns) -> Select[Any]:
    if sort is Sort.ID:
        return query.order_by(of.customer_id)
    column = of[sort.column.name]
    return query.where(column.is_not(None)).order_by(column.desc(), of.customer_id.desc())


def _after(sort: Sort, position: Sequence[Any], of: _Columns) -> ColumnElement[bool]:
    value, customer_id = position
    if not isinstance(customer_id, str) or (sort is not Sort.ID and not isinstance(value, int | float)):
        raise CursorError
    if sort is Sort.ID:
        is_after: ColumnElement[bool] = of.customer_id > customer_id
    else:
        is_after = tuple_(of[sort.column.name], of.customer_id) < tuple_(value, customer_id)
    return is_after
