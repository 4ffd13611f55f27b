"""The sentences above today's list."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from stream.alerts.sentences import risk_sentence
from stream.features.stages import Stage
from stream.reporting.entries import Today
from stream.reporting.writing import Writing, number_of

__all__ = ["complaints_line", "headline", "leads_line", "model_note", "stage_lines", "standing_line"]

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


def standing_line(found: Today, writing: Writing) -> str:
    """How the customers stand with the shop, by their own habits."""
    named = [f"{writing.number(count)} {standing}" for standing, count in found.standing.items() if count]
    line = f"{number_of(found.customers, 'customer', 'customers')}: {', '.join(named) or 'none'}."
    if not found.not_scored:
        return line
    return (
        f"{line} {number_of(found.not_scored, 'customer agrees', 'customers agree')} to no scores and are in no list."
    )


def complaints_line(found: Today) -> str:
    """How many complaints are open, and on how many of them nobody has acted."""
    waiting = sum(not one.acted for one in found.complaints)
    are = number_of(len(found.complaints), "complaint is", "complaints are")
    return f"{are} open; {f'{waiting:,}' if waiting else 'none'} without an answer."


def leads_line(found: Today) -> str:
    """Who is named below it."""
    weeks = number_of(found.leads_in_weeks, "week", "weeks")
    return f"Worth a word: no order yet, and likelier than others to place one within {weeks}."


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


def headline(found: Today, writing: Writing) -> str:
    """What is at stake with those who can still be won."""
    if found.at_risk == 0:
        return "Nobody to win back today: no customer is overdue."
    people = number_of(found.at_risk, "customer is", "customers are")
    stake = writing.about(found.at_stake)
    if not found.scored:
        return f"{people} overdue; they usually spend {stake} in {found.horizon_days:.0f} days."
    return f"{people} overdue; {stake} is at stake over the next {found.horizon_days:.0f} days."


def model_note(found: Today) -> str:
    """What the list is made from while not enough has been learned; empty when it has."""
    if found.risk_from is not None and found.risk_sure is not None:
        if found.risk_from != "orders":
            return ""
        return f"How likely customers are to stay away: {risk_sentence(found.risk_from, found.risk_sure)}"
    return (
        "The model has not learned enough yet, so there is no risk to show: the list goes by each customer's own habit"
        " and past spend."
    )
