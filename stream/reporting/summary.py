"""The sentences above today's list."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from stream.alerts.sentences import FROM_WHAT, HOW_SURE
from stream.features.registry import DAY_MS
from stream.features.stages import Stage
from stream.reporting.assess import Standing
from stream.reporting.entries import Today
from stream.reporting.words import ENGLISH, Words
from stream.reporting.writing import Writing

__all__ = [
    "LIVE_DAYS",
    "complaints_line",
    "day_note",
    "headline",
    "leads_line",
    "model_note",
    "stage_lines",
    "standing_line",
]

#: Events that end longer ago than this are a history: the day on which they end counts as today.
LIVE_DAYS: Final = 45
#: What is missing at the end of the events is worth a word from so many days on.
_STALE_DAYS: Final = 2
_CAME = MappingProxyType(
    {
        Stage.LEAD.code: "came to be known",
        Stage.NEW.code: "ordered for the first time",
        Stage.ACTIVE.code: "ordered again",
        Stage.WON_BACK.code: "won back",
        Stage.DUE.code: "became due",
        Stage.AT_RISK.code: "came to be at risk",
        Stage.LAPSED.code: "lapsed",
        Stage.LOST.code: "lost",
    }
)


def standing_line(found: Today, writing: Writing, words: Words = ENGLISH) -> str:
    """How the customers stand with the shop, by their own habits."""
    # stages, which stand beside it, have an "at risk" of their own
    named = [
        words.gettext(
            "%(count)s %(standing)s",
            count=writing.number(count),
            standing=words.gettext("overdue") if standing == Standing.AT_RISK.text else words.name(standing),
        )
        for standing, count in found.standing.items()
        if count
    ]
    line = words.ngettext(
        "%(num)s customer: %(standing)s.",
        "%(num)s customers: %(standing)s.",
        found.customers,
        standing=", ".join(named) or words.gettext("none"),
    )
    if found.not_scored:
        refused = words.ngettext(
            "%(num)s customer agrees to no scores and is in no list.",
            "%(num)s customers agree to no scores and are in no list.",
            found.not_scored,
        )
        line = f"{line} {refused}"
    if found.unreadable:
        unreadable = words.ngettext(
            "The stored data of %(num)s more customer cannot be read: they are in no list.",
            "The stored data of %(num)s more customers cannot be read: they are in no list.",
            found.unreadable,
        )
        line = f"{line} {unreadable}"
    return line


def complaints_line(found: Today, words: Words = ENGLISH) -> str:
    """How many complaints are open, and on how many of them nobody has acted."""
    waiting = sum(not one.acted for one in found.complaints)
    if not waiting:
        return words.ngettext(
            "%(num)s complaint is open; none without an answer.",
            "%(num)s complaints are open; none without an answer.",
            len(found.complaints),
        )
    return words.ngettext(
        "%(num)s complaint is open; %(waiting)s without an answer.",
        "%(num)s complaints are open; %(waiting)s without an answer.",
        len(found.complaints),
        waiting=words.number(waiting),
    )


def leads_line(found: Today, words: Words = ENGLISH) -> str:
    """Who is named below it."""
    return words.ngettext(
        "Worth a word: no order yet, and likelier than others to place one within %(num)s week.",
        "Worth a word: no order yet, and likelier than others to place one within %(num)s weeks.",
        found.leads_in_weeks,
    )


def stage_lines(found: Today, writing: Writing) -> Iterator[str]:
    """How many customers are in each stage and tier, and who came into a stage lately where that is counted."""

    def counted(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{writing.number(count)} {name}" for name, count in counts.items())

    if found.stages:
        yield f"By stage: {counted(found.stages)}."
    if found.tiers:
        yield f"By value: {counted(found.tiers)}."
    if found.came_into:
        yield f"In the last 7 days: {counted({_CAME[stage]: n for stage, n in found.came_into.items()})}."


def headline(found: Today, writing: Writing, words: Words = ENGLISH) -> str:
    """What is at stake with those who can still be won."""
    if found.at_risk == 0:
        return words.gettext("Nobody to win back today: no customer is overdue.")
    figures = {"stake": writing.about(found.at_stake), "days": words.number(found.horizon_days)}
    if not found.scored:
        return words.ngettext(
            "%(num)s customer is overdue; they usually spend %(stake)s in %(days)s days.",
            "%(num)s customers are overdue; they usually spend %(stake)s in %(days)s days.",
            found.at_risk,
            **figures,
        )
    return words.ngettext(
        "%(num)s customer is overdue; %(stake)s is at stake over the next %(days)s days.",
        "%(num)s customers are overdue; %(stake)s is at stake over the next %(days)s days.",
        found.at_risk,
        **figures,
    )


def model_note(found: Today, words: Words = ENGLISH) -> str:
    """What the list is made from while not enough has been learned; empty when it has."""
    if found.risk_from is not None and found.risk_sure is not None:
        if found.risk_from != "orders":
            return ""
        risk = f"{words.name(HOW_SURE[found.risk_sure])} {words.name(FROM_WHAT[found.risk_from])}"
        return words.gettext("How likely customers are to stay away: %(sentences)s", sentences=risk)
    return words.gettext(
        "The model has not learned enough yet, so there is no risk to show: the list goes by each customer's own habit"
        " and past spend."
    )


def day_note(found: Today, wall_ms: int, writing: Writing, words: Words = ENGLISH) -> str:
    """What must be said about the day, empty when nothing must. ``wall_ms``: what time it is (ms)."""
    now_ms, newest_ms = found.now_ms, found.newest_ms
    if newest_ms is None:
        return ""
    day = writing.long_date(newest_ms)
    if wall_ms - now_ms > LIVE_DAYS * DAY_MS:
        return words.gettext("The events end on %(day)s: that day counts as today.", day=day)
    silent_days = (now_ms - newest_ms) // DAY_MS
    if silent_days < _STALE_DAYS:
        return ""
    return words.gettext(
        "The newest event is from %(day)s: what has happened in the %(days)s days since is missing here, so some of"
        " these customers may have ordered already.",
        day=day,
        days=words.number(silent_days),
    )
