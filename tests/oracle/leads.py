"""Leads from the raw list of contacts and orders, straight from their definition, without regard to speed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stream.events.kinds import EventKind

__all__ = ["Contact", "Person", "Tables", "leads_of"]

_DAY = 86_400_000
_CART = {EventKind.PRODUCT_ADDED, EventKind.CART_VIEWED, EventKind.CHECKOUT_STARTED, EventKind.COUPON_REDEEMED}
_SITE = {kind for kind in EventKind if kind.name.startswith(("PRODUCT_", "CART_", "CHECKOUT_", "COUPON_", "PAGE_"))}
_TALK = {kind for kind in EventKind if kind.name.startswith(("FEEDBACK_", "INTERACTION_"))}
_NO_CONTACT = {kind for kind in EventKind if kind.name.startswith(("ORDER_", "CONSENT_"))} | {EventKind.EMAIL_BOUNCED}


class Contact(NamedTuple):
    """Any event of a customer."""

    kind: EventKind
    at_ms: int


class Person(NamedTuple):
    """``weeks`` with a contact that is remembered, ``ordered``: the week of the first order."""

    weeks: list[int]
    ordered: int | None


#: By week and cell: how many leads, then how many ordered after 0, 1, ... weeks.
Tables = dict[int, dict[str, list[int]]]


def _week(at_ms: int) -> int:
    # 1970-01-05 was a Monday, which began the week 1
    return 1 + (at_ms - 4 * _DAY) // (7 * _DAY)


def leads_of(events: Mapping[str, Iterable[Contact]]) -> tuple[dict[str, Person], Tables]:
    """What is remembered of each customer, and the counts of all weeks."""
    people: dict[str, Person] = {}
    tables: dict[int, dict[str, Counter[int]]] = {}
    for customer, all_of_one in events.items():
        contacts = [one for one in all_of_one if one.kind not in _NO_CONTACT]
        orders = [_week(one.at_ms) for one in all_of_one if one.kind is EventKind.ORDER_COMPLETED]
        ordered = min(orders, default=None)
        contacts = [one for one in contacts if ordered is None or _week(one.at_ms) < ordered]
        first = min((_week(one.at_ms) for one in contacts), default=0)
        contacts = [one for one in contacts if _week(one.at_ms) < first + 104]
        weeks = sorted({_week(one.at_ms) for one in contacts})
        if weeks or ordered is not None:
            people[customer] = Person(weeks, ordered)
        for at in range(first + 1, first + 105):
            is_open = ordered is None or at <= ordered
            if is_open and any(at - 26 <= week < at for week in weeks):
                waits = tables.setdefault(at, {}).setdefault(_cell(contacts, at), Counter())
                waits[-1] += 1
                if ordered is not None and ordered - at < 26:
                    waits[ordered - at] += 1
    counted = {
        at: {cell: [waits[k] for k in range(-1, max(waits) + 1)] for cell, waits in cells.items()}
        for at, cells in tables.items()
    }
    return people, counted


def _cell(contacts: list[Contact], at: int) -> str:
    def within(kinds: set[EventKind], weeks: int) -> list[Contact]:
        return [one for one in contacts if one.kind in kinds and at - weeks <= _week(one.at_ms) < at]

    days = {one.at_ms // _DAY for one in within(_SITE, 4)}
    if within(_SITE, 1):
        visits = 4 if len(days) == 1 else 5 if len(days) <= 3 else 6
    elif days:
        visits = 2 if len(days) == 1 else 3
    else:
        visits = 1 if within(_SITE, 13) else 0
    cart = 2 if within(_CART, 1) else 1 if within(_CART, 13) else 0
    if within({EventKind.EMAIL_UNSUBSCRIBED, EventKind.EMAIL_COMPLAINED}, 1000):
        mail = 4
    elif within({EventKind.EMAIL_CLICKED, EventKind.EMAIL_REPLIED}, 4):
        mail = 3
    elif within({EventKind.EMAIL_OPENED}, 4):
        mail = 2
    else:
        sent = {EventKind.EMAIL_SENT, EventKind.EMAIL_DELIVERED, EventKind.EMAIL_MACHINE_OPENED}
        mail = 1 if within(sent, 4) else 0
    talk = 1 if within(_TALK, 4) else 0
    known = at - min(_week(one.at_ms) for one in contacts)
    return f"{visits}{cart}{mail}{talk}{0 if known == 1 else 1 if known <= 4 else 2 if known <= 13 else 3}"
