"""How far the purchase process alone is believed, beside the risk that labels have made: what labels say of both.

Two experts foretell every label: the process as it was at the landmark, and the risk that was given then. By Bayes'
rule the process has the odds ``prior * exp(-evidence)``, where the evidence is how much larger its log loss was, in
nats. This is Vovk's aggregating algorithm, or Hedge (Cesa-Bianchi and Lugosi, *Prediction, Learning, and Games*, 2006,
section 2.2). Where customers order as the process says, it needs no labels, and what labels teach is noise beside it.

The risk given has the process in it already. So evidence for the process comes the slower the more it is believed, and
evidence against it too; the share of the process in a shop that has changed is never stuck for long.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

__all__ = ["Hedge"]

#: What the process alone is believed before a label.
PRIOR: Final = 0.1
#: Counts evidence by less than its worth: the same customers come again in every week, so it is not independent.
RATE: Final = 0.5
#: Evidence halves in so many weeks.
HALF_LIFE_WEEKS: Final = 52.0
#: More is not kept (nats): with it one of the two has all, and a change would be seen late.
MAX_EVIDENCE: Final = 40.0

_FADING: Final = 0.5 ** (1.0 / HALF_LIFE_WEEKS)
_PRIOR_ODDS: Final = PRIOR / (1.0 - PRIOR)


class Hedge(Struct, kw_only=True):
    """``evidence``: by how many nats the process was worse than the risks given, at recent labels; stored unchanged."""

    evidence: float = 0.0

    @property
    def weight(self) -> float:
        """What the process alone is believed, 0 to 1: `PRIOR` at first."""
        odds = _PRIOR_ODDS * math.exp(-RATE * self.evidence)
        return odds / (1.0 + odds)

    def learn(
        self, odds: Sequence[float], logits: Sequence[float], churned: Sequence[float], novelty: Sequence[float]
    ) -> None:
        """Learn N labels, one after the other: any split of them gives the same, bit for bit.

        ``odds``: the log-odds of churn that the process gave at each landmark; a label without (NaN) says nothing.
        ``logits``: those that were given to the customer, before calibration. ``churned``: 0 or 1. ``novelty``: that of
        each label.
        """
        evidence = self.evidence
        for of_process, given, came, weight in zip(odds, logits, churned, novelty, strict=True):
            if math.isnan(of_process):
                continue
            evidence += weight * (_loss(of_process, came) - _loss(given, came))
            evidence = min(max(evidence, -MAX_EVIDENCE), MAX_EVIDENCE)
        self.evidence = evidence

    def begin_week(self) -> None:
        """A week of the log begins: what was learned before counts a little less."""
        self.evidence *= _FADING


def _loss(logit: float, churned: float) -> float:
    """The log loss of a logit, nats."""
    wrong = -logit if churned else logit
    return max(wrong, 0.0) + math.log1p(math.exp(-abs(wrong)))
