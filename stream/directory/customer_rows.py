"""Rows of many customers, some hundred at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Table, select

__all__ = ["chunks", "rows_of_customers"]

_Value = TypeVar("_Value")
#: Values in one statement: databases limit how many it may have.
_AT_ONCE: Final = 500


def rows_of_customers(
    connection: Connection, table: Table, customers: Sequence[str], **wanted: str
) -> Iterator[Row[Any]]:
    """The rows of customers that have the wanted values."""
    for chunk in chunks(customers):
        conditions = [table.c[name] == value for name, value in wanted.items()]
        yield from connection.execute(select(table).where(table.c.customer_id.in_(chunk), *conditions))


def chunks(values: Sequence[_Value]) -> Iterable[Sequence[_Value]]:
    """``values`` in lots of at most `_AT_ONCE`."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
