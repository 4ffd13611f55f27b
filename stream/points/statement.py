"""The points of a customer as of a moment: an exact function of facts, rules and time, in whole numbers.

Points expire because nothing comes, so the balance is computed when it is asked for, and no timer takes points away:
what came late, or was returned, is counted as if it had been known at its time.
"""

from __future__ import annotations

import calendar
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import msgspec

from stream.catalogue.windows import DAY_MS
from stream.events.columns import MONEY_SCALE
from stream.events.times import epoch_ms
from stream.points.account import PointOrder, PointsAccount
from stream.points.points_file import RATE_SCALE, PointsRules, PointsTier

__all__ = ["PointsStatement", "earned_by", "statement_of"]

_NEVER: Final = 1 << 62


class PointsStatement(msgspec.Struct, frozen=True):
    """``balance`` = ``earned`` - ``spent`` - ``expired``; never below 0. ``earned``: for orders, and what was given.

    ``owed``: what was spent beyond the balance, as when an order was returned whose points were spent; the next points
    pay it. ``expires_ms``: when the next points are lost, ``expiring`` of them; None: none of these will be.
    """

    balance: int
    earned: int
    spent: int
    expired: int
    owed: int
    expires_ms: int | None
    expiring: int
    lately: int
    tier: PointsTier | None
    next_tier: PointsTier | None


class _Lot(NamedTuple):
    expires_ms: int
    left: int


def statement_of(account: PointsAccount, rules: PointsRules, zone: tzinfo, as_of_ms: int) -> PointsStatement:
    """The points as of a moment. What is earned first is spent first; of one moment, what is earned comes first."""
    moves = sorted((move for move in _moves(account, rules, zone) if move[0] <= as_of_ms), key=_in_time)
    lots: deque[_Lot] = deque()
    earned = spent = expired = owed = lately = 0
    for at_ms, points, _ in moves:
        expired += _expire(lots, at_ms)
        if points >= 0:
            earned += points
            lately += points if at_ms > as_of_ms - rules.tier_days * DAY_MS else 0
            paid = min(owed, points)
            owed, spent = owed - paid, spent + paid
            lots.append(_Lot(_expiry_ms(at_ms, rules, zone), points - paid))
            continue
        taken = _take(lots, -points)
        spent, owed = spent + taken, owed - points - taken
    expired += _expire(lots, as_of_ms)
    left = [lot for lot in lots if lot.left]
    next_ms = min((lot.expires_ms for lot in left), default=_NEVER)
    reached = [tier for tier in rules.tiers if tier.points <= lately]
    beyond = [tier for tier in rules.tiers if tier.points > lately]
    return PointsStatement(
        balance=sum(lot.left for lot in left),
        earned=earned,
        spent=spent,
        expired=expired,
        owed=owed,
        expires_ms=next_ms if next_ms < _NEVER else None,
        expiring=sum(lot.left for lot in left if lot.expires_ms == next_ms < _NEVER),
        lately=lately,
        tier=reached[-1] if reached else None,
        next_tier=beyond[0] if beyond else None,
    )


def earned_by(order: PointOrder, rules: PointsRules, zone: tzinfo) -> int:
    """The points of an order: what was kept of its amount, at the rates of its lines, rounded down; 0 if it is none.

    What lines do not explain of the amount earns at the common rate. Of an order that was returned in part so large a
    part of the points is kept as of the amount, and those for each order.
    """
    if order.at_ms is None or not order.is_order:
        return 0
    factor = rules.factor(_local(order.at_ms, zone).date())
    told = sum(order.lines.values())
    rest = max(order.amount - told, 0)
    weighed = rest * rules.earn.thousandths("") + sum(
        cost * rules.earn.thousandths(category) for category, cost in order.lines.items()
    )
    total = told + rest
    by_money = order.kept * weighed * factor // (total * MONEY_SCALE * RATE_SCALE) if total else 0
    return by_money + rules.earn.per_order * factor


def _moves(account: PointsAccount, rules: PointsRules, zone: tzinfo) -> Iterator[tuple[int, int, str]]:
    for name, order in account.orders.items():
        if order.at_ms is not None and (points := earned_by(order, rules, zone)):
            yield order.at_ms, points, name
    for name, movement in account.movements.items():
        yield movement.at_ms, movement.points, name
    for kind, earning in rules.earn.events.items():
        first = sorted((event.at_ms, name) for name, event in account.events.items() if event.kind == kind)
        counted: deque[int] = deque(maxlen=earning.times)
        for at_ms, name in first:
            if len(counted) < earning.times or at_ms - counted[0] >= earning.days * DAY_MS:
                counted.append(at_ms)
                yield at_ms, earning.points, name


def _in_time(move: tuple[int, int, str]) -> tuple[int, bool, int, str]:
    at_ms, points, name = move
    return at_ms, points < 0, points, name


def _expire(lots: deque[_Lot], at_ms: int) -> int:
    """Drop what is lost by then: later lots may be lost first, as the last days of a month all end with the next."""
    if all(lot.expires_ms > at_ms for lot in lots):
        return 0
    lost = sum(lot.left for lot in lots if lot.expires_ms <= at_ms)
    left = [lot for lot in lots if lot.expires_ms > at_ms]
    lots.clear()
    lots.extend(left)
    return lost


def _take(lots: deque[_Lot], points: int) -> int:
    """Take points from the first lots; returns how many there were."""
    left = points
    while lots and left:
        first = lots.popleft()
        part = min(first.left, left)
        left -= part
        if first.left > part:
            lots.appendleft(_Lot(first.expires_ms, first.left - part))
    return points - left


def _expiry_ms(at_ms: int, rules: PointsRules, zone: tzinfo) -> int:
    """When points of a moment are lost: days later to the millisecond, or months later on the same day, or its last."""
    if rules.expire_days is not None:
        return at_ms + rules.expire_days * DAY_MS
    if rules.expire_months is None:
        return _NEVER
    local = _local(at_ms, zone)
    years, month = divmod(local.month - 1 + rules.expire_months, 12)
    year = local.year + years
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return epoch_ms(local.replace(year=year, month=month + 1, day=day))


def _local(at_ms: int, zone: tzinfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)
