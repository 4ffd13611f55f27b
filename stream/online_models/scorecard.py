"""Running sums from which the figures of an evaluation follow; old examples may count for less.

A decayed sum would cost a multiplication of every bin per example. Instead each example *weighs more* than
the one before by `growth`; ratios of sums are the same, and the sums are scaled back, by a power of two, once
in a long while.
"""

import math

from msgspec import Struct

__all__ = ["CALIBRATION_BINS", "RANK_BINS", "Figures", "Scorecard", "ScoredLabel", "auc"]

#: Bins of the two rank histograms; scores in one bin are ties.
RANK_BINS = 1_200
CALIBRATION_BINS = 15

_RESCALE_AT = 2.0**400


class ScoredLabel(Struct, frozen=True, kw_only=True, gc=False):
    """A matured label beside what was said of it. Bins are in 0..RANK_BINS-1, losses in nats."""

    churned: bool
    risk: float
    risk_bin: int
    recency_bin: int
    log_loss: float
    recency_log_loss: float
    base_rate_log_loss: float


class Figures(Struct, frozen=True, kw_only=True):
    """How good the risks given were. None: no examples; AUC: not of both classes.

    ``examples``: how many count (decayed: their total weight). ``ece``: expected calibration error, 15 equal
    bins. Baselines on the same examples: ``recency_*`` knows only the days since the last order,
    ``base_rate_log_loss`` only the share of churn so far.
    """

    examples: float
    base_rate: float | None
    mean_risk: float | None
    auc: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None
    recency_auc: float | None
    recency_log_loss: float | None
    base_rate_log_loss: float | None


def _zeros(length: int) -> list[float]:
    return [0.0] * length


class Scorecard(Struct, kw_only=True):
    """The sums themselves; a plain value that can be stored. ``weight`` is that of the last example."""

    weight: float = 1.0
    examples: float = 0.0
    churned: float = 0.0
    risk: float = 0.0
    log_loss: float = 0.0
    brier: float = 0.0
    recency_log_loss: float = 0.0
    base_rate_log_loss: float = 0.0
    risk_churned: list[float]
    risk_stayed: list[float]
    recency_churned: list[float]
    recency_stayed: list[float]
    bin_examples: list[float]
    bin_churned: list[float]
    bin_risk: list[float]

    @classmethod
    def empty(cls) -> "Scorecard":
        return cls(
            risk_churned=_zeros(RANK_BINS),
            risk_stayed=_zeros(RANK_BINS),
            recency_churned=_zeros(RANK_BINS),
            recency_stayed=_zeros(RANK_BINS),
            bin_examples=_zeros(CALIBRATION_BINS),
            bin_churned=_zeros(CALIBRATION_BINS),
            bin_risk=_zeros(CALIBRATION_BINS),
        )

    def record(self, outcome: ScoredLabel, growth: float = 1.0) -> None:
        """Count ``outcome``; it weighs ``growth`` times as much as the one before (1: the same)."""
        self.weight = weight = self.weight * growth
        risk = outcome.risk
        calibration_bin = min(int(risk * CALIBRATION_BINS), CALIBRATION_BINS - 1)
        self.examples += weight
        self.risk += weight * risk
        self.log_loss += weight * outcome.log_loss
        self.brier += weight * (risk - outcome.churned) ** 2
        self.recency_log_loss += weight * outcome.recency_log_loss
        self.base_rate_log_loss += weight * outcome.base_rate_log_loss
        self.bin_examples[calibration_bin] += weight
        self.bin_risk[calibration_bin] += weight * risk
        if outcome.churned:
            self.churned += weight
            self.bin_churned[calibration_bin] += weight
            self.risk_churned[outcome.risk_bin] += weight
            self.recency_churned[outcome.recency_bin] += weight
        else:
            self.risk_stayed[outcome.risk_bin] += weight
            self.recency_stayed[outcome.recency_bin] += weight
        if weight > _RESCALE_AT:
            self._rescale()

    def figures(self) -> Figures:
        """What the sums say; ``examples`` is in units of the last example."""
        n = self.examples
        if n == 0.0:
            return Figures(
                examples=0.0,
                base_rate=None,
                mean_risk=None,
                auc=None,
                log_loss=None,
                brier=None,
                ece=None,
                recency_auc=None,
                recency_log_loss=None,
                base_rate_log_loss=None,
            )
        gaps = (abs(risk - churned) for risk, churned in zip(self.bin_risk, self.bin_churned, strict=True))
        return Figures(
            examples=n / self.weight,
            base_rate=self.churned / n,
            mean_risk=self.risk / n,
            auc=auc(self.risk_churned, self.risk_stayed),
            log_loss=self.log_loss / n,
            brier=self.brier / n,
            ece=sum(gaps) / n,
            recency_auc=auc(self.recency_churned, self.recency_stayed),
            recency_log_loss=self.recency_log_loss / n,
            base_rate_log_loss=self.base_rate_log_loss / n,
        )

    def _rescale(self) -> None:
        """Divide every sum by a power of two, which changes no ratio."""
        for field in self.__struct_fields__:
            value = getattr(self, field)
            scaled = [x / _RESCALE_AT for x in value] if isinstance(value, list) else value / _RESCALE_AT
            setattr(self, field, scaled)


def auc(churned: list[float], stayed: list[float]) -> float | None:
    """Probability that a churned customer's score lies above a stayed one's; ties count half.

    ``churned`` and ``stayed`` are histograms over the same bins, in ascending order of score. None when one
    is empty.

    >>> auc([0.0, 1.0], [1.0, 0.0]), auc([1.0, 1.0], [2.0, 2.0]), auc([1.0], [0.0])
    (1.0, 0.5, None)
    """
    below = 0.0
    pairs = 0.0
    for up, down in zip(churned, stayed, strict=True):
        pairs += up * (below + down / 2.0)
        below += down
    total = math.fsum(churned) * below
    return min(pairs / total, 1.0) if total > 0.0 else None
