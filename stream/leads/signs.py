"""The signs by which a lead is judged: a few levels each, so that equal leads can be counted together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from stream.leads.lead_contacts import CART, CLICKED, LEFT, MAX_WEEKS, OPENED, SENT, TALKED, LeadHistory, visit_days

__all__ = ["MAX_HORIZON_WEEKS", "SIGNS", "SILENT_WEEKS", "Landmark", "Sign", "cell_of", "landmarks_of", "present_cell"]

#: A lead with whom there was no contact for so many weeks is not looked at any more.
SILENT_WEEKS: Final = 26
#: First orders are told apart by the weeks from a landmark to them, up to so many.
MAX_HORIZON_WEEKS: Final = 26

_RECENT, _LONG = 4, 13


class Sign(NamedTuple):
    """``levels``: a phrase for each, and by how much (log-odds) it is expected to move the chance before any label."""

    name: str
    levels: tuple[tuple[str, float], ...]


#: In the order of the digits of a cell. What is expected is an opinion, worth few labels: see `stream.leads.chance`.
#: The phrases are of the present, in which the week that is not over counts as of the one before (`present_cell`).
SIGNS: Final = (
    Sign(
        "visits",
        (
            ("no visit to the site in 13 weeks", -0.8),
            ("the last visit to the site was 5 to 13 weeks ago", -0.5),
            ("visited the site on one day, 2 to 4 weeks ago", -0.2),
            ("visited the site on several days, 2 to 4 weeks ago", 0.0),
            ("visited the site this week or last, on one day", 0.2),
            ("visited the site this week or last, and on 2 or 3 days in 4 weeks", 0.5),
            ("visited the site this week or last, and on 4 days or more in 4 weeks", 0.8),
        ),
    ),
    Sign(
        "cart",
        (
            ("nothing in the cart in 13 weeks", -0.1),
            ("had something in the cart 2 to 13 weeks ago", 0.3),
            ("had something in the cart this week or last", 0.8),
        ),
    ),
    Sign(
        "mail",
        (
            ("no mail in 4 weeks", 0.0),
            ("was mailed in the last 4 weeks and opened nothing", -0.2),
            ("opened a mail in the last 4 weeks", 0.1),
            ("clicked in a mail or replied in the last 4 weeks", 0.4),
            ("does not want mails", -0.5),
        ),
    ),
    Sign(
        "talk",
        (
            ("no talk with the shop in 4 weeks", 0.0),
            ("talked with the shop or came by in the last 4 weeks", 0.5),
        ),
    ),
    Sign(
        "known",
        (
            ("known since this week or last", 0.3),
            ("known for 2 to 4 weeks", 0.1),
            ("known for 5 to 13 weeks", -0.1),
            ("known for more than 13 weeks", -0.3),
        ),
    ),
)


class Landmark(NamedTuple):
    """A lead at the beginning of a week. ``cell``: a digit for each sign. ``wait``: weeks until the first order.

    A wait of 0 is an order within that week; None is none, or one later than `MAX_HORIZON_WEEKS`.
    """

    cell: str
    wait: int | None


def cell_of(weeks: Mapping[int, int], at: int) -> str:
    """The levels of the signs at the beginning of week ``at``, by the weeks before; there must be one.

    >>> cell_of({10: SENT | OPENED}, 11), cell_of({10: SENT, 11: CART | 1 << 8}, 12)
    ('00200', '42101')
    """
    visited, cart, recent, recent_days, has_left = _LONG + 1, _LONG + 1, 0, 0, False
    for week, bits in weeks.items():
        before = at - week
        if before < 1:
            continue
        has_left = has_left or bool(bits & LEFT)
        if before > _LONG:
            continue
        days = visit_days(bits)
        if days:
            visited = min(visited, before)
        if bits & CART:
            cart = min(cart, before)
        if before <= _RECENT:
            recent |= bits
            recent_days += days
    known = at - min(weeks)
    levels = (
        _visits(visited, recent_days),
        (cart <= _LONG) + (cart == 1),
        4 if has_left else _mail(recent),
        int(bool(recent & TALKED)),
        (known > 1) + (known > _RECENT) + (known > _LONG),
    )
    return "".join(map(str, levels))


def present_cell(lead: LeadHistory, now_week: int) -> str | None:
    """The levels of the signs within week ``now_week``: what has happened in it counts as of the week before.

    None: no lead any more, by an order or by time.

    >>> lead = LeadHistory("c", {10: SENT, 11: SENT | OPENED})
    >>> present_cell(lead, 11), present_cell(lead, 99)
    ('00200', None)
    """
    if lead.ordered is not None or not lead.weeks:
        return None
    if now_week > min(max(lead.weeks) + SILENT_WEEKS, min(lead.weeks) + MAX_WEEKS):
        return None
    weeks: dict[int, int] = {}
    for week, bits in lead.weeks.items():
        counted = min(week, now_week - 1)
        weeks[counted] = weeks.get(counted, 0) | bits
    return cell_of(weeks, now_week)


def landmarks_of(lead: LeadHistory) -> dict[int, Landmark]:
    """The landmarks of a lead, by week: at the beginning of each within `SILENT_WEEKS` of a contact, until it orders.

    Those to come are among them, as they will be if nothing happens.
    """
    return dict(_landmarks(lead)) if lead.weeks else {}


def _landmarks(lead: LeadHistory) -> Iterator[tuple[int, Landmark]]:
    first, last = min(lead.weeks), max(lead.weeks)
    end = min(last + SILENT_WEEKS, first + MAX_WEEKS)
    if lead.ordered is not None:
        end = min(end, lead.ordered)
    in_touch = first
    for at in range(first + 1, end + 1):
        if at - 1 in lead.weeks:
            in_touch = at - 1
        # who comes back after that adds nothing to the weeks in between, in which nobody looked
        if at > in_touch + SILENT_WEEKS:
            continue
        wait = None if lead.ordered is None else lead.ordered - at
        is_told = wait is not None and wait < MAX_HORIZON_WEEKS
        yield at, Landmark(cell_of(lead.weeks, at), wait if is_told else None)


def _visits(last: int, recent_days: int) -> int:
    """``last``: weeks since the last visit; ``recent_days``: with a visit, in the last four weeks."""
    if last > _RECENT:
        return int(last <= _LONG)
    if last > 1:
        return 2 + (recent_days > 1)
    return 4 + (recent_days > 1) + (recent_days > 3)  # noqa: PLR2004 - the levels above


def _mail(recent: int) -> int:
    if recent & CLICKED:
        return 3
    return 2 if recent & OPENED else int(bool(recent & SENT))
