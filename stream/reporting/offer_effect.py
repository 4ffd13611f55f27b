"""What offers brought, against customers who would have got them and were held out; in one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from stream.alerts.intervals import Interval, Moments, mean_difference_of
from stream.projections.offers import OfferState, OfferTally

__all__ = ["OfferEffect", "offer_effects"]

#: Groups smaller than this say nothing: their difference may be chance.
_MIN_CUSTOMERS: Final = 100


class OfferEffect(Struct, frozen=True, kw_only=True):
    """One offer. ``offered``, ``held_out``: customers whose first window is over. ``gain``: profit per customer, more
    than of those held out, costs taken off (money, with its 95 % interval).
    """

    offer: str
    offered: int
    held_out: int
    gain: Interval
    sentence: str


def offer_effects(
    weeks: Iterable[OfferState], days: float, money: Callable[[float], str], named: Mapping[str, str]
) -> list[OfferEffect]:
    """The effect of each offer over weeks whose windows, of ``days``, are over. ``named``: what people call offers."""
    offered: dict[str, OfferTally] = {}
    held: dict[str, OfferTally] = {}
    for week in weeks:
        for into, tallies in ((offered, week.offered), (held, week.held)):
            for name, tally in tallies.items():
                total = into.setdefault(name, OfferTally())
                total.customers += tally.customers
                total.profit += tally.profit
                total.squares += tally.squares
    found = []
    for name in sorted(offered.keys() | held.keys()):
        first, second = (_moments(of.get(name, OfferTally())) for of in (offered, held))
        gain = Interval(*(None if of is None else of / 100.0 for of in mean_difference_of(first, second)))
        found.append(
            OfferEffect(
                offer=name,
                offered=first.number,
                held_out=second.number,
                gain=gain,
                sentence=_sentence(named.get(name, name), first.number, second.number, gain, days, money),
            )
        )
    return found


def _moments(tally: OfferTally) -> Moments:
    return Moments(tally.customers, tally.profit, tally.squares)


def _sentence(
    what: str, offered: int, held_out: int, gain: Interval, days: float, money: Callable[[float], str]
) -> str:
    begin = f"{what[:1].upper()}{what[1:]}:"
    if min(offered, held_out) < _MIN_CUSTOMERS:
        return (
            f"{begin} not known yet. {offered:,} customers got it and {held_out:,} were held out;"
            f" at least {_MIN_CUSTOMERS} of each are needed."
        )
    if gain.estimate is None or gain.low is None or gain.high is None:
        return f"{begin} not known yet."
    low, high = money(offered * gain.low), money(offered * gain.high)
    if not gain.excludes_zero:
        return f"{begin} not known yet. It brought {offered:,} customers between {low} and {high} in {days:.0f} days."
    total, direction = abs(offered * gain.estimate), "more" if gain.estimate > 0 else "less"
    return (
        f"{begin} it brought {money(total)} {direction} than it cost with {offered:,} customers in {days:.0f} days"
        f" (between {low} and {high} with 95 % certainty)."
    )
