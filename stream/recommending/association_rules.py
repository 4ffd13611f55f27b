"""Association rules for people: who buys one item buys another one within some days, more often than others do.

Customers are compared, each once. Those who buy X count from their first X, all others from the first purchase of an
item of theirs that a hash draws. Y follows if they buy it for the first time within the days from then on. Customers
who buy much would follow with anything, so they are compared with those alike: who had bought about as many items
before, and who bought about as many other new ones in those days. Unless there is more to it, Y follows X as often as
by chance then: in each stratum the number is hypergeometric. The lift is what was found divided by what was expected;
with a single stratum that is the share of the buyers of X divided by that of all.

A hypergeometric number is a sum of independent indicators (Vatutin, Mikhailov, Theory Probab. Appl. 27, 1982), so that
Chernoff's bound holds for the sum over strata, for any number of customers: P(S >= s) <= exp(s - e - s ln(s / e)).
Rules are chosen by Benjamini and Yekutieli (Annals of Statistics 29, 2001) among all pairs that are tested: of those
shown, at most the share ``false_share`` is false on average, however the tests depend on each other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from stream.recommending.follower_rows import item_id

__all__ = ["AssociationRule", "AssociationRules", "association_rules"]

_HOURS_A_DAY: Final = 24
#: Customers who buy an item, below whom nothing is tested.
_MIN_CUSTOMERS: Final = 20
#: Customers who are looked at: more would only say the same, later.
_MAX_CUSTOMERS: Final = 20_000
_FALSE_SHARE: Final = 0.05

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class AssociationRule(msgspec.Struct, frozen=True):
    """Of ``buyers`` of ``item`` without ``follower``, ``customers`` bought it within the days.

    ``support``: their share of all customers who were looked at; ``confidence``: of the buyers; ``lift``: how many
    times as often as customers alike. ``p_value``: a bound of the chance to find so many by chance.
    """

    item: str
    follower: str
    customers: int
    buyers: int
    support: float
    confidence: float
    lift: float
    p_value: float


class AssociationRules(msgspec.Struct, frozen=True):
    """``rules`` by falling lift, of ``tested`` pairs. ``customers`` were looked at. ``false_share``: see the module."""

    rules: tuple[AssociationRule, ...]
    tested: int
    customers: int
    days: int
    false_share: float = _FALSE_SHARE


def association_rules(
    firsts: Sequence[Mapping[str, int]], end_h: int, days: int, max_items: int = 200, false_share: float = _FALSE_SHARE
) -> AssociationRules:
    """Rules of customers, each with the hour of the first purchase of each item, of a log that ends at an hour.

    The items of which most customers are known are looked at, ``max_items`` of them; of customers, the first 20,000.
    """
    firsts = firsts[:_MAX_CUSTOMERS]
    width_h = days * _HOURS_A_DAY
    known = Counter(item for of in firsts for item in of)
    items = [item for item, count in known.most_common(max_items) if count >= _MIN_CUSTOMERS]
    shop = _Shop(firsts, items, width_h)
    found: list[AssociationRule] = []
    tested = 0
    for place, item in enumerate(items):
        seen, of_item = _tested(shop, place, end_h - width_h)
        if seen is None:
            continue
        for other, (customers, buyers, expected) in enumerate(of_item):
            if other == place or buyers < _MIN_CUSTOMERS or expected <= 0.0:
                continue
            tested += 1
            if customers > expected:
                p_value = math.exp(customers - expected - customers * math.log(customers / expected))
                shares = customers / seen, customers / buyers, customers / expected
                found.append(AssociationRule(item, items[other], int(customers), int(buyers), *shares, p_value))
    chosen = _chosen(found, tested, false_share)
    ranked = sorted(chosen, key=lambda rule: (-rule.lift, rule.item, rule.follower))
    return AssociationRules(tuple(ranked), tested, len(firsts), days, false_share)


class _Shop:
    """Customers and items as arrays.

    ``first``: hours (customers, items), infinite if never. ``drawn``: the place of an item of each customer, -1: one
    that is not looked at; ``drawn_h``: the hour of it. Hours are counted from the first one.
    """

    def __init__(self, firsts: Sequence[Mapping[str, int]], items: Sequence[str], width_h: int) -> None:
        self.width_h = width_h
        place_of = {item: place for place, item in enumerate(items)}
        self.first: Floats = np.full((len(firsts), len(items)), np.inf)
        self.drawn: Counts = np.full(len(firsts), -1)
        self.drawn_h: Floats = np.full(len(firsts), np.inf)
        for row, of in enumerate(firsts):
            for item, hour in of.items():
                if item in place_of:
                    self.first[row, place_of[item]] = hour
            # the smallest hash of item and customer: as good as drawn, and the same each time
            drawn = min(of, key=lambda item: item_id(f"{row}/{item}"), default=None)
            if drawn is not None:
                self.drawn[row], self.drawn_h[row] = place_of.get(drawn, -1), of[drawn]
        # each customer has a span of hours, which no window leaves
        hours = [hour for of in firsts for hour in of.values()]
        self._zero = min(hours, default=0)
        self._span = max(hours, default=0) - self._zero + width_h + 1
        self._all: Counts = np.sort(
            [row * self._span + hour - self._zero for row, of in enumerate(firsts) for hour in of.values()]
        )

    def strata(self, from_h: Floats, rows: Counts) -> tuple[Counts, Counts]:
        """How much each customer had bought before an hour; how many items were new in the window, less the first."""
        begins = rows * self._span + from_h.astype(np.int64) - self._zero
        own, first, after = (
            np.searchsorted(self._all, hours) for hours in (rows * self._span, begins, begins + self.width_h + 1)
        )
        return first - own, after - first - 1


def _tested(shop: _Shop, place: int, last_h: int) -> tuple[int | None, list[tuple[float, float, float]]]:
    """Of each item: how many buyers of one bought it within the days, of how many; and how many were expected."""
    is_buyer = np.isfinite(shop.first[:, place])
    from_h = np.where(is_buyer, shop.first[:, place], shop.drawn_h)
    rows = np.flatnonzero(from_h <= last_h)
    if not is_buyer[rows].any() or is_buyer[rows].all():
        return None, []
    from_h, is_buyer, first = from_h[rows], is_buyer[rows], shop.first[rows]
    drawn = np.where(is_buyer, place, shop.drawn[rows])
    before, new = shop.strata(from_h, rows)
    had, others, others_but_one = _level(before), _level(new), _level(np.maximum(new - 1, 0))
    follows = (first >= from_h[:, None]) & (first <= from_h[:, None] + shop.width_h)
    in_question = first >= from_h[:, None]
    found = []
    for other in range(first.shape[1]):
        of = in_question[:, other] & (drawn != other)
        hit = follows[of, other]
        # how many other items were new beside this one
        stratum = had[of] * _LEVELS + np.where(hit, others_but_one[of], others[of])
        found.append(_expected(stratum, is_buyer[of], hit))
    return len(rows), found


#: More than there are levels.
_LEVELS: Final = 64
#: Up to here each number is a level of its own; above, four a doubling.
_EXACT: Final = 8


def _level(numbers: Counts) -> Counts:
    larger = _EXACT + np.floor(4 * np.log2(np.maximum(numbers, _EXACT) / _EXACT)).astype(np.int64)
    levels: Counts = np.where(numbers < _EXACT, numbers, larger)
    return levels


def _expected(stratum: Counts, is_buyer: Flags, hit: Flags) -> tuple[float, float, float]:
    size = _LEVELS * _LEVELS
    everybody, buyers, hits = (np.bincount(stratum[of], minlength=size) for of in (slice(None), is_buyer, hit))
    expected = (buyers * hits / np.maximum(everybody, 1)).sum()
    return float((is_buyer & hit).sum()), float(is_buyer.sum()), float(expected)


def _chosen(found: Sequence[AssociationRule], tested: int, false_share: float) -> Sequence[AssociationRule]:
    """The rules whose p-values are small enough for all of them (Benjamini, Yekutieli)."""
    ranked = sorted(found, key=lambda rule: rule.p_value)
    if not tested:
        return ()
    threshold = false_share / (tested * sum(1.0 / k for k in range(1, tested + 1)))
    last = max((rank for rank, rule in enumerate(ranked, 1) if rule.p_value <= rank * threshold), default=0)
    return ranked[:last]
