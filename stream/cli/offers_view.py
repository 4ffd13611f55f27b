"""Offers on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.events.rejections import printable
from stream.offering.offer_plan import Planned
from stream.offering.offered import Made
from stream.offering.offers_file import OffersConfig
from stream.offering.uplift import NOTHING
from stream.reporting.writing import Writing

__all__ = ["offer_view", "offers_view"]


def offers_view(
    planned: Sequence[Planned], config: OffersConfig, money: Callable[[float], str], limit: int, *, decided: bool
) -> RenderableType:
    """The first ``limit`` customers who get an offer, and what all of them cost and are expected to bring."""
    made = [one for one in planned if one.decision.offer is not None]
    cost = sum(one.decision.cost for one in made)
    gain = sum(one.decision.expected_gain for one in made)
    held_out = sum(one.decision.held_out for one in planned)
    verb = "Decided" if decided else "To decide"
    head = (
        f"{verb}: {len(made):,} offers for {money(cost)}, expected to bring {money(gain)} more than without;"
        f" nothing for {len(planned) - len(made):,} customers, of whom {held_out:,} are held out."
    )
    if not made:
        return Text(head, "bold")
    counts = Counter(one.decision.offer for one in made)
    table = Table("customer", "offer", "by", "cost", "gain", "why", box=box.SIMPLE_HEAD, pad_edge=False)
    for one in made[:limit]:
        decision = one.decision
        what = config.offers[decision.offer or ""].what
        row = (decision.customer_id, what, decision.channel or "", money(decision.cost), money(decision.expected_gain))
        table.add_row(*(Text(printable(cell)) for cell in (*row, decision.why)))
    kinds = ", ".join(f"{name}: {number:,}" for name, number in counts.most_common())
    return Group(Text(head, "bold"), Text(kinds, "dim"), table)


def offer_view(
    running: Sequence[Made], planned: Sequence[Planned], config: OffersConfig, writing: Writing
) -> RenderableType:
    """What was decided about a customer and still holds, or else what would be decided now."""
    if running:
        newest = max(running, key=lambda made: made.at_ms)
        known = config.offers.get(newest.offer)
        what = "nothing" if newest.offer == NOTHING else (known.what if known else newest.offer)
        until = writing.long_date(newest.until_ms)
        return Text(printable(f"Decided on {writing.long_date(newest.at_ms)}, until {until}: {what}. {newest.why}"))
    if not planned:
        return Text("No offer is for this customer now: by stage, orders, consent, cooling-off or budget.")
    (one,) = planned
    made = one.decision.offer
    head = f"{'Nothing' if made is None else config.offers[made].what} now. {one.decision.why}"
    table = Table("offer", "expected gain", "chance to be chosen", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, gain in one.gains.items():
        share = one.decision.propensities[name] / 1_000_000
        table.add_row(Text(printable(config.offers[name].what)), writing.money(gain), f"{share:.0%}")
    return Group(Text(printable(head), "bold"), table)
