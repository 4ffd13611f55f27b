"""Lists of customers for people and programs: none by scores of who does not agree to be scored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection

from stream.directory.customer_queries import Condition, CustomerPage, Sort, customers_page, every_customer
from stream.directory.timeline import ALERT
from stream.errors import StorageError

__all__ = [
    "SCORED",
    "SCORES",
    "Refusing",
    "consented_page",
    "every_consented",
    "is_by_scores",
    "who_refuses",
    "without_scores",
]

#: Of ids, those of customers who do not agree to be scored; None while nobody can tell.
Refusing: TypeAlias = Callable[[Sequence[str]], Collection[str] | None]
#: Of a customer, what models make of them.
SCORES: Final = (
    *("risk", "value_at_risk", "expected_spend", "lifetime_value", "segment", "alert", "reasons"),
    *("next_order_ms", "next_order_from_ms", "next_order_until_ms"),
)
#: Sources of a timeline that follow from scores.
SCORED: Final = (ALERT,)
_AT_ONCE: Final = 1000
#: So often a page is filled up; then it is shorter, and the list goes on at its cursor.
_ROUNDS: Final = 20


def is_by_scores(condition: Condition, sort: Sort) -> bool:
    """Whether who is in a list, or where, says something of scores.

    >>> is_by_scores(Condition(stages=["lost"]), Sort.SPEND), is_by_scores(Condition(risk_from=0.5), Sort.ID)
    (False, True)
    """
    asked = (condition.risk_from, condition.at_stake_from, condition.segments or None)
    return sort in {Sort.RISK, Sort.AT_STAKE} or any(one is not None for one in asked)


def who_refuses(refusing: Refusing, customer_ids: Sequence[str], *, by_scores: bool) -> Collection[str]:
    """Those of ``customer_ids`` who do not agree to be scored; all of them while nobody can tell.

    A list ``by_scores`` would then be empty, as if there were nobody to show: raises `StorageError`.
    """
    found = refusing(customer_ids) if customer_ids else ()
    if found is not None:
        return found
    if by_scores:
        raise StorageError(
            "a list by scores cannot be shown, as what customers agreed to is not known: Redis does not answer"
        )
    return {*customer_ids}


def consented_page(
    connection: Connection,
    condition: Condition,
    sort: Sort = Sort.ID,
    *,
    refusing: Refusing,
    limit: int,
    cursor: str | None = None,
) -> CustomerPage:
    """As `customers_page`; who refuses has no scores, and is in no list that goes by them."""
    rows: list[dict[str, Any]] = []
    by_scores = is_by_scores(condition, sort)
    for _ in range(_ROUNDS):
        page = customers_page(connection, condition, sort, limit=limit - len(rows), cursor=cursor)
        rows += _consented(page.rows, refusing, by_scores=by_scores)
        cursor = page.cursor
        if cursor is None or len(rows) == limit:
            break
    return CustomerPage(rows, cursor)


def every_consented(
    connection: Connection, condition: Condition, sort: Sort = Sort.ID, *, refusing: Refusing
) -> Iterator[dict[str, Any]]:
    """As `every_customer`; who refuses has no scores, and is in no list that goes by them."""
    by_scores = is_by_scores(condition, sort)
    found = every_customer(connection, condition, sort)
    while rows := [*islice(found, _AT_ONCE)]:
        yield from _consented(rows, refusing, by_scores=by_scores)


def without_scores(row: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's row as it is shown of who refuses."""
    return {name: None if name in SCORES else value for name, value in row.items()}


def _consented(rows: Sequence[dict[str, Any]], refusing: Refusing, *, by_scores: bool) -> list[dict[str, Any]]:
    refused = who_refuses(refusing, [row["customer_id"] for row in rows], by_scores=by_scores)
    agreed = [row for row in rows if not by_scores or row["customer_id"] not in refused]
    return [without_scores(row) if row["customer_id"] in refused else row for row in agreed]
