"""Points on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.events.rejections import printable
from stream.points.statement import PointsStatement
from stream.reporting.writing import Writing

__all__ = ["points_lines", "points_view"]


def points_view(found: PointsStatement, writing: Writing) -> RenderableType:
    """The balance and what it is made of."""
    first, *others = points_lines(found, writing)
    return Group(Text(first, "bold"), *map(Text, others))


def points_lines(found: PointsStatement, writing: Writing) -> list[str]:
    """Sentences about the points of a customer, the balance first."""
    made_of = f"{found.earned:,} earned, {found.spent:,} spent, {found.expired:,} expired"
    lines = [f"{number_of(found.balance, 'point', 'points')}: {made_of}."]
    if found.owed:
        lines.append(f"{found.owed:,} more were spent than there were: the next points pay them.")
    if found.expires_ms is not None:
        lines.append(f"{found.expiring:,} of them expire on {writing.long_date(found.expires_ms)}.")
    if found.tier is not None:
        benefits = f": {printable(found.tier.benefits)}" if found.tier.benefits else ""
        lines.append(f"Tier {printable(found.tier.name)}{benefits}.")
    if found.next_tier is not None:
        missing = found.next_tier.points - found.lately
        lines.append(f"{number_of(missing, 'point', 'points')} more for tier {printable(found.next_tier.name)}.")
    return lines
