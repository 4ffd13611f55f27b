"""What is told of models, in the language of who reads it."""

from __future__ import annotations

from typing import Final

from stream.console.operations import ModelChoice, OrderRhythm
from stream.reporting.words import Words, to_say
from stream.reporting.writing import Writing

__all__ = ["decision_in_words", "rhythm_in_words"]

#: With the model, and for the last two without one.
_DECIDED: Final = {
    "promote": to_say("chose the model %(model)s"),
    "automatic": to_say("let the figures decide: %(model)s"),
    "rollback": to_say("went back to the model %(model)s"),
    "freeze": to_say("kept the model %(model)s"),
    "unfreeze": to_say("let it learn on: %(model)s"),
}


def decision_in_words(one: ModelChoice, words: Words) -> str:
    """What somebody decided.

    >>> from stream.reporting.words import ENGLISH
    >>> decision_in_words(ModelChoice(0, "anna", "promote", "churn_model", 1200), ENGLISH)
    'chose the model churn model, version 1,200'
    """
    model = words.name(one.model.replace("_", " "))
    if one.version:
        model = words.gettext("%(name)s, version %(version)s", name=model, version=words.number(one.version))
    message = _DECIDED.get(one.action)
    return one.action if message is None else words.gettext(message, model=model or "-")


def rhythm_in_words(rhythm: OrderRhythm, words: Words, writing: Writing) -> str:
    """How often customers order, and from when on they count as lost."""
    lost = words.gettext(
        "A customer counts as lost after three times as long as usual, and at least %(days)s days.",
        days=words.number(rhythm.horizon_days),
    )
    if rhythm.gap_days is None:
        unknown = words.gettext("How often customers order is not known yet.")
        return f"{lost} {unknown}"
    told = words.gettext("Your regular customers order every %(days)s days.", days=words.number(rhythm.gap_days))
    told = f"{told} {lost}"
    if rhythm.lost_share is None:
        return told
    shorter = words.gettext(
        "%(days)s days would call %(share)s of them lost.",
        days=words.number(rhythm.shortest_days),
        share=writing.percent(rhythm.lost_share),
    )
    return f"{told} {shorter}"
