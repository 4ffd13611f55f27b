"""Why a customer is in a stage, for the owner of a shop."""

from __future__ import annotations

from stream.catalogue.wording import habit_sentence
from stream.features.stages import Stage, StageCause

__all__ = ["stage_sentence"]

_BY_ORDER = {
    Stage.LEAD: "Known, and no order yet.",
    Stage.NEW: "First order.",
    Stage.ACTIVE: "Ordered again.",
    Stage.WON_BACK: "Ordered again after having been lost.",
}


def stage_sentence(stage: Stage, cause: StageCause, silence_days: float | None, habit_days: float) -> str:
    """What led to ``stage``; ``silence_days`` since the last order (None: no order) and the habit as of then.

    >>> stage_sentence(Stage.AT_RISK, StageCause.SILENCE, 30.2, 12.0)
    'No order for 30 days; usually every 12.'
    >>> stage_sentence(Stage.LEAD, StageCause.CORRECTION, None, 30.0)
    'An order was cancelled. No order yet.'
    >>> stage_sentence(Stage.WON_BACK, StageCause.ORDER, 0.0, 30.0)
    'Ordered again after having been lost.'
    """
    if cause is not StageCause.CORRECTION:
        return _BY_ORDER.get(stage) or habit_sentence(silence_days, habit_days)
    told = habit_sentence(silence_days, habit_days)
    return f"An order was cancelled. {told}" if silence_days is None else f"Orders were corrected. {told}"
