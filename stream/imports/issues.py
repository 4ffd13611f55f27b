"""Rows that are not used, or not as they stand: where, and why."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Issue", "IssueSeverity", "Why"]


class IssueSeverity(StrEnum):
    """``REFUSED``: something is wrong with the row. ``LEFT_OUT``: rightly not an order. ``NOTE``: used, but look."""

    REFUSED = "refused"
    LEFT_OUT = "left out"
    NOTE = "note"


class Why(StrEnum):
    """Why; the value is the sentence that people read, with the plural in mind."""

    BROKEN = "The row cannot be divided into cells."
    NO_CUSTOMER = "There is nothing that says whose order it is: no e-mail address and no customer number."
    NO_DATE = "There is no date."
    BAD_DATE = "The date cannot be read."
    WRONG_DATE = "The date cannot be right: it lies in the future, or too far back."
    NO_AMOUNT = "There is no amount; it counts as an order of unknown value."
    BAD_AMOUNT = "The amount cannot be read."
    BAD_QUANTITY = "The number of pieces or the price cannot be read."
    BAD_CURRENCY = "The currency cannot be read."
    OTHER_LINE = "Another line of the same order cannot be used, so its total would be wrong."
    BREAKS_CONTRACT = "The order cannot be published."
    TOO_OLD = (
        "The customer already has events that are more than 90 days newer, so whether the order has been counted cannot"
        " be checked any more. It was not counted. To count it exactly, import all files together into an empty shop."
    )
    UNPAID = "The order was never paid, or it was a test."
    LINE_GONE = "The line was cancelled or never paid; the rest of its order counts."
    CANCELLED_LONG_AFTER = "The order was cancelled long after it was placed; neither counts."
    TOTALS = "The row is a total or a remark, not an order."
    NO_ORDER = "The row is a payout, a fee or another movement of money, not an order."
    NOTHING_PAID_BACK = "The row says that something was paid back, but no amount."
    SAME_ROW = "The same row stands in the files twice."
    OTHER_FILE = "A later file has the same order; that one counts."
    IMPORTED = "The order was imported before."
    SEVERAL_TOTALS = "Rows of the order state several totals; the first counts."
    REFUND_OVER_ORDER = "More was paid back than the order had cost; only what it had cost counts."
    REFUND_UNDATED = "The export does not say when the money was paid back; it counts on the day of the order."
    REFUND_LATER = "The money was paid back since the last import; it counts on the customer's latest day."
    CANCELLED_AS_REFUND = (
        "The order was imported more than 90 days of events ago and is cancelled now; it counts as an order whose"
        " money was paid back."
    )
    UPDATED = "The order was imported before and has another total now, which counts."
    CHANGED = "The order was imported more than 90 days of events ago and has another total now; the first total stays."
    ITEMS_LEFT_OUT = "The order has more lines than an event can carry; the total is right, some lines are left out."


SEVERITY = {
    **dict.fromkeys(
        (
            Why.BROKEN,
            Why.NO_CUSTOMER,
            Why.NO_DATE,
            Why.BAD_DATE,
            Why.WRONG_DATE,
            Why.BAD_AMOUNT,
            Why.BAD_QUANTITY,
            Why.BAD_CURRENCY,
            Why.OTHER_LINE,
            Why.BREAKS_CONTRACT,
            Why.TOO_OLD,
        ),
        IssueSeverity.REFUSED,
    ),
    **dict.fromkeys(
        (
            Why.UNPAID,
            Why.LINE_GONE,
            Why.CANCELLED_LONG_AFTER,
            Why.TOTALS,
            Why.NO_ORDER,
            Why.NOTHING_PAID_BACK,
            Why.SAME_ROW,
            Why.OTHER_FILE,
            Why.IMPORTED,
        ),
        IssueSeverity.LEFT_OUT,
    ),
}


class Issue(NamedTuple):
    """``table``: which of the files, from 0; ``line``: in it, from 1. ``detail``: what it is about, for people."""

    table: int
    line: int
    why: Why
    detail: str = ""

    @property
    def severity(self) -> IssueSeverity:
        return SEVERITY.get(self.why, IssueSeverity.NOTE)
