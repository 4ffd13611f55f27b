"""What words, figures and pages of the console mean, for who has not read the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stream.features.stages import STAGE_NAMES
from stream.reporting.words import to_say

__all__ = ["FIGURES", "PAGES", "STAGES"]

_MEANING_OF_STAGES: Final[Mapping[str, str]] = {
    "lead": to_say("You know them, and they have not ordered yet."),
    "new": to_say("They have ordered once, and the next order is not due yet."),
    "active": to_say("They have ordered several times, and the next order is not due yet."),
    "due": to_say("They usually order again by now."),
    "at_risk": to_say("They have been silent for half as long again as usual."),
    "lapsed": to_say("They have been silent for twice as long as usual."),
    "lost": to_say("They have been silent for more than three times as long as usual."),
    "won_back": to_say("They had been lost, and have ordered again."),
}
#: Every stage, and what it means.
STAGES: Final[Sequence[tuple[str, str]]] = [(name, _MEANING_OF_STAGES[name]) for name in STAGE_NAMES]
#: Figures of a customer.
FIGURES: Final[Sequence[tuple[str, str]]] = [
    (
        to_say("Overdue"),
        to_say("On today's list: silent for at least half as long again as usual, and not lost."),
    ),
    (
        to_say("Risk"),
        to_say("How likely it is that no order comes. The page Models says in what time, and how often that is right."),
    ),
    (
        to_say("At stake"),
        to_say("What a customer would be expected to spend in that time if they stay, times the risk."),
    ),
    (
        to_say("Value"),
        to_say("How a customer compares with your others: how lately, how often and for how much money they order."),
    ),
    (
        to_say("Segment"),
        to_say("A group of customers who behave alike. The program finds these groups in your own orders."),
    ),
]
#: What each page is for.
PAGES: Final[Sequence[tuple[str, str]]] = [
    (to_say("Today"), to_say("Whom to contact today, why, and what to do. Record there what you did.")),
    (to_say("Customers"), to_say("Find a customer, or list all customers who are alike.")),
    (to_say("Business"), to_say("How sales go, who comes back, and what customers say.")),
    (to_say("Offers"), to_say("Which offers there are, what they cost and bring, and who would get one now.")),
    (to_say("Models"), to_say("How far you can trust the risk.")),
    (to_say("What if"), to_say("Try other rules for warnings on your own history, before you change anything.")),
    (to_say("System"), to_say("Whether all parts of the program work, and what to do if one does not.")),
    (to_say("Privacy"), to_say("For admins: all that is kept of a person, to give it to them or to erase it.")),
    (to_say("Audit"), to_say("For admins: who saw and did what.")),
]
