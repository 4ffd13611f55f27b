"""The lines of an order as one order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from stream.events.model import Item
from stream.imports.issues import Issue, Why
from stream.imports.line import UNITS, Line
from stream.imports.mapping import Amounts
from stream.imports.statuses import OrderStatus

__all__ = ["Order", "Refund", "merged"]

_GONE: Final = (OrderStatus.CANCELLED, OrderStatus.UNPAID)


class Refund(NamedTuple):
    """Money paid back; ``at_ms`` is None where the export does not say when. ``amount`` in 1/UNITS."""

    amount: int
    at_ms: int | None


class Order(NamedTuple):
    """One order with all that became of it. ``amount`` is None where no row states it; money in 1/UNITS.

    ``table``, ``line``: its first row. ``has_sale`` is false of money that is paid back for an order in no file.
    """

    key: str
    order_id: str
    table: int
    line: int
    email: str
    customer: str
    at_ms: int
    amount: int | None
    currency: str
    has_sale: bool
    refunds: tuple[Refund, ...]
    cancelled: bool
    cancelled_at_ms: int | None
    items: tuple[Item, ...]
    coupon: str

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds)


def merged(key: str, lines: Sequence[Line], amounts: Sequence[Amounts], issues: list[Issue]) -> Order | None:
    """Make one order of its ``lines``; None if it cannot be used or never was one. ``issues``: what there is to say.

    ``amounts[k]``: what the amounts of file k are. An order in several files is as the last of them has it; only
    files that list whole orders are asked for its total if there are any, and those that list lines for its items.
    """
    lines = [*_once(lines, amounts, issues)]
    wrong = [line for line in lines if line.wrong is not None]
    if wrong:
        issues += [Issue(line.table, line.line, line.wrong or Why.BROKEN, line.detail) for line in wrong]
        other = f"line {wrong[0].line:,}"
        issues += [Issue(line.table, line.line, Why.OTHER_LINE, other) for line in lines if line.wrong is None]
        return None
    sales, refunds = _sales_and_refunds(lines, amounts)
    sales = [*_standing(sales, amounts, issues)]
    whole = [line for line in sales if amounts[line.table] == "order"] or sales
    of_file = _last_file(whole)
    of_earlier = [line for line in whole if line.table != of_file[0].table]
    issues += [Issue(line.table, line.line, Why.OTHER_FILE, _named(line)) for line in of_earlier]
    first = (of_file or sales or refunds)[0]
    at_ms = min((line.at_ms for line in of_file or refunds if line.at_ms is not None), default=None)
    if at_ms is None:
        issues += [Issue(line.table, line.line, Why.NO_DATE, _named(line)) for line in lines]
        return None
    # a row that pays back may name who paid it
    email = next((line.email for line in (*sales, *lines) if line.email), "")
    customer = next((line.customer for line in (*sales, *lines) if line.customer), "")
    if not email and not customer:
        issues += [Issue(line.table, line.line, Why.NO_CUSTOMER, _named(line)) for line in lines]
        return None
    outcomes = {line.outcome for line in of_file if line.outcome is not None}
    if OrderStatus.UNPAID in outcomes and _was_never_paid(of_file):
        issues += [Issue(line.table, line.line, Why.UNPAID, _named(line)) for line in lines]
        return None
    amount = _total(of_file, amounts, issues)
    return Order(
        key=key,
        order_id=next((line.order_id for line in lines if line.order_id), ""),
        table=first.table,
        line=first.line,
        email=email,
        customer=customer,
        at_ms=at_ms,
        amount=amount,
        currency=next((line.currency for line in of_file if line.amount is not None), first.currency),
        has_sale=bool(of_file),
        refunds=tuple(_refunds(of_file, refunds, amount, amounts, issues)),
        cancelled=OrderStatus.CANCELLED in outcomes or any(line.cancelled_at_ms is not None for line in of_file),
        cancelled_at_ms=next((line.cancelled_at_ms for line in of_file if line.cancelled_at_ms is not None), None),
        items=_items(sales, amounts),
        coupon=next((line.coupon for line in of_file if line.coupon), ""),
    )


def _named(line: Line) -> str:
    return f"order {line.order_id}" if line.order_id else ""


def _once(lines: Sequence[Line], amounts: Sequence[Amounts], issues: list[Issue]) -> Iterator[Line]:
    """The lines without those that are there twice.

    Within a file that lists lines, equal rows are equal lines, and so are equal rows without an amount in one that
    lists orders: they tell what is in the order. Other equal rows, and those of several files, are the same row again.
    """
    of_file: Counter[tuple[int, int]] = Counter()
    most: Counter[int] = Counter()
    for line in lines:
        place = line.table, line.digest
        of_file[place] += 1
        is_whole = amounts[line.table] == "order" and line.amount is not None
        if of_file[place] <= most[line.digest] or (of_file[place] > 1 and is_whole):
            issues.append(Issue(line.table, line.line, Why.SAME_ROW, _named(line)))
            continue
        most[line.digest] = max(most[line.digest], of_file[place])
        yield line


def _sales_and_refunds(lines: Sequence[Line], amounts: Sequence[Amounts]) -> tuple[list[Line], list[Line]]:
    """A negative line at the time of the sale is a discount of its order, if the file lists lines; else a refund."""
    sales = [line for line in lines if not line.is_refund]
    refunds: list[Line] = []
    times = {line.at_ms for line in sales}
    for line in lines:
        if line.is_refund and amounts[line.table] != "order" and line.at_ms in times:
            sales.append(line)
        elif line.is_refund:
            refunds.append(line)
    return sales, refunds


def _standing(sales: Sequence[Line], amounts: Sequence[Amounts], issues: list[Issue]) -> Iterator[Line]:
    """The lines that stand: in a file that lists lines, some of an order may be cancelled, and the others not."""
    stands = any(line.outcome not in (None, *_GONE) for line in sales)
    for line in sales:
        if stands and line.outcome in _GONE and amounts[line.table] != "order":
            issues.append(Issue(line.table, line.line, Why.LINE_GONE, _named(line)))
        else:
            yield line


def _was_never_paid(sales: Sequence[Line]) -> bool:
    """Whether the newest row that states a status says so; of rows of one time, none may say otherwise.

    An order may be listed again with each new state.
    """
    stated = [line for line in sales if line.outcome is not None]
    newest = max(line.at_ms or 0 for line in stated)
    return all(line.outcome is OrderStatus.UNPAID for line in stated if (line.at_ms or 0) == newest)


def _last_file(sales: Sequence[Line]) -> list[Line]:
    last = max((line.table for line in sales), default=0)
    return [line for line in sales if line.table == last]


def _total(sales: Sequence[Line], amounts: Sequence[Amounts], issues: list[Issue]) -> int | None:
    stated = [line for line in sales if line.amount is not None]
    if not stated:
        if sales:
            issues.append(Issue(sales[0].table, sales[0].line, Why.NO_AMOUNT, _named(sales[0])))
        return None
    if amounts[stated[0].table] != "order":
        return max(sum(_signed(line) for line in stated), 0)
    if len({line.amount for line in stated}) > 1:
        issues.append(Issue(stated[1].table, stated[1].line, Why.SEVERAL_TOTALS, _named(stated[1])))
    return stated[0].amount


def _signed(line: Line) -> int:
    amount = line.amount or 0
    return -amount if line.is_refund else amount


def _refunds(
    sales: Sequence[Line],
    refunds: Sequence[Line],
    amount: int | None,
    amounts: Sequence[Amounts],
    issues: list[Issue],
) -> Iterator[Refund]:
    """What was paid back: by rows of their own, by columns, or all if the status says so; never more than was paid."""
    paid_back = [Refund(line.amount, line.at_ms) for line in refunds if line.amount]
    nothing = [line for line in refunds if not line.amount]
    issues += [Issue(line.table, line.line, Why.NOTHING_PAID_BACK, _named(line)) for line in nothing]
    if sales:
        stated = max((line.refunded for line in sales if line.refunded is not None), default=0)
        if not stated and amount:
            after = [line.after_refunds for line in sales if line.after_refunds]
            stated = max(amount - after[0], 0) if after else 0
        if not stated and amount and not paid_back:
            stated = _refunded_by_status(sales, amount, amounts)
        by_rows = sum(refund.amount for refund in paid_back)
        if stated > by_rows:
            at_ms = next((line.refunded_at_ms for line in sales if line.refunded_at_ms is not None), None)
            paid_back.append(Refund(stated - by_rows, at_ms))
    left = amount if sales and amount is not None else None
    for refund in sorted(paid_back, key=lambda refund: refund.at_ms or 0):
        counted = refund.amount if left is None else min(refund.amount, left)
        if counted < refund.amount:
            line = (*refunds, *sales)[0]
            issues.append(Issue(line.table, line.line, Why.REFUND_OVER_ORDER, _named(line)))
        if left is not None:
            left -= counted
        if counted:
            yield Refund(counted, refund.at_ms)


def _refunded_by_status(sales: Sequence[Line], amount: int, amounts: Sequence[Amounts]) -> int:
    """What the statuses say was paid back: all of the order, or of a file that lists lines those that were returned."""
    returned = [line for line in sales if line.outcome is OrderStatus.REFUNDED]
    is_part = any(line.outcome not in (None, OrderStatus.REFUNDED) for line in sales)
    if returned and is_part and amounts[returned[0].table] != "order":
        return sum(_signed(line) for line in returned)
    return amount if returned else 0


def _items(sales: Sequence[Line], amounts: Sequence[Amounts]) -> tuple[Item, ...]:
    """The items, of the file that lists them best: lines rather than whole orders, then the last."""
    listed = [line for line in sales if line.product and not line.is_refund]
    by_line = [line for line in listed if amounts[line.table] != "order"] or listed
    return tuple(
        Item(
            product_id=line.product,
            quantity=line.quantity,
            price=_price(line, amounts),
            category=line.category or None,
        )
        for line in _last_file(by_line)
    )


def _price(line: Line, amounts: Sequence[Amounts]) -> float | None:
    if line.price is not None or amounts[line.table] != "line" or line.amount is None:
        return line.price
    return round(line.amount / UNITS / (line.quantity or 1.0), 4)
