"""What is told of models, in the language of who reads it."""

from __future__ import annotations

from typing import Final

from stream.console.operations import ModelChoice, OrderRhythm
from stream.reporting.words import Words, to_say
from stream.reporting.writing import Writing
from stream.whatif.trial_progress import LEARNING, TRYING, StageProgress

__all__ = ["decision_in_words", "progress_in_words", "rhythm_in_words"]

#: With the model, and for the last two without one.
_DECIDED: Final = {
    "promote": to_say("chose the model %(model)s"),
    "automatic": to_say("let the figures decide: %(model)s"),
    "rollback": to_say("went back to the model %(model)s"),
    "freeze": to_say("kept the model %(model)s"),
    "unfreeze": to_say("let it learn on: %(model)s"),
}


_STAGES: Final = {
    LEARNING: to_say("%(share)s of the events are learned from."),
    TRYING: to_say("%(share)s of the events are gone through under a policy."),
}
#: From so many seconds on people count minutes.
_MINUTES_S: Final = 90


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
        "With %(days)s days, %(share)s of them would count as lost.",
        days=words.number(rhythm.shortest_days),
        share=writing.percent(rhythm.lost_share),
    )
    return f"{told} {shorter}"


def progress_in_words(progress: StageProgress, words: Words, writing: Writing) -> str:
    """How far a comparison of policies is, and how long the present stage still takes."""
    told = words.gettext(_STAGES.get(progress.stage, _STAGES[TRYING]), share=writing.percent(progress.share))
    if progress.left_s is None:
        return told
    if progress.left_s < _MINUTES_S:
        left = words.ngettext("About %(num)s second left.", "About %(num)s seconds left.", max(progress.left_s, 1))
    else:
        left = words.ngettext("About %(num)s minute left.", "About %(num)s minutes left.", progress.left_s / 60)
    return f"{told} {left}"
