"""Recent figures of one contender, small enough for every one of them to have its own.

The same sums as a `stream.online_models.scorecard.Scorecard`, over fewer bins and without baselines: a new example
weighs `growth` times as much as the one before.
"""

import math

from msgspec import Struct

from stream.online_models.scorecard import CALIBRATION_BINS, auc

__all__ = ["BINS", "LOGIT_LIMIT", "MIN_RISK", "RecentFigures", "Tally", "expected_loss_of", "log_loss_of"]

#: Even in log-odds within +-10; scores in one bin are ties.
BINS = 200
LOGIT_LIMIT = 10.0
#: A risk of exactly 0 or 1 that was wrong costs log(1e9) = 20.7 nats, not infinity.
MIN_RISK = 1e-9
_RESCALE_AT = 2.0**400


class RecentFigures(Struct, frozen=True, kw_only=True):
    """Test-then-train figures of recent labels; None: no examples, or (AUC) not of both classes."""

    examples: float
    log_loss: float | None
    auc: float | None
    brier: float | None
    ece: float | None


class Tally(Struct, kw_only=True):
    """The sums; a plain value that can be stored. ``weight`` is that of the last example."""

    weight: float = 1.0
    examples: float = 0.0
    log_loss: float = 0.0
    brier: float = 0.0
    churned: list[float]
    stayed: list[float]
    bin_churned: list[float]
    bin_risk: list[float]

    @classmethod
    def empty(cls) -> "Tally":
        return cls(
            churned=[0.0] * BINS,
            stayed=[0.0] * BINS,
            bin_churned=[0.0] * CALIBRATION_BINS,
            bin_risk=[0.0] * CALIBRATION_BINS,
        )

    def record(self, risk: float, loss: float, growth: float, *, churned: bool) -> None:
        """Count a risk, its log loss (nats) and what happened."""
        self.weight = weight = self.weight * growth
        self.examples += weight
        self.log_loss += weight * loss
        off = risk - churned
        self.brier += weight * (off * off)
        calibration_bin = min(int(risk * CALIBRATION_BINS), CALIBRATION_BINS - 1)
        self.bin_risk[calibration_bin] += weight * risk
        if churned:
            self.bin_churned[calibration_bin] += weight
            self.churned[_bin(risk)] += weight
        else:
            self.stayed[_bin(risk)] += weight
        if weight > _RESCALE_AT:
            self._rescale()

    def figures(self) -> RecentFigures:
        """What the sums say; ``examples`` is in units of the last example."""
        n = self.examples
        if n == 0.0:
            return RecentFigures(examples=0.0, log_loss=None, auc=None, brier=None, ece=None)
        gaps = (abs(risk - churned) for risk, churned in zip(self.bin_risk, self.bin_churned, strict=True))
        return RecentFigures(
            examples=n / self.weight,
            log_loss=self.log_loss / n,
            auc=auc(self.churned, self.stayed),
            brier=self.brier / n,
            ece=sum(gaps) / n,
        )

    def _rescale(self) -> None:
        """Divide every sum by a power of two, which changes no ratio."""
        for field in self.__struct_fields__:
            value = getattr(self, field)
            scaled = [x / _RESCALE_AT for x in value] if isinstance(value, list) else value / _RESCALE_AT
            setattr(self, field, scaled)


def log_loss_of(risk: float, *, churned: bool) -> float:
    """Log loss in nats, finite for every risk in 0..1."""
    return -math.log(max(risk if churned else 1.0 - risk, MIN_RISK))


def expected_loss_of(risk: float) -> float:
    """What the log loss of ``risk`` is on average if the risk is right: its entropy, in nats."""
    bounded = min(max(risk, MIN_RISK), 1.0 - MIN_RISK)
    return -bounded * math.log(bounded) - (1.0 - bounded) * math.log1p(-bounded)


def _bin(risk: float) -> int:
    bounded = min(max(risk, MIN_RISK), 1.0 - MIN_RISK)
    logit = math.log(bounded / (1.0 - bounded))
    return min(max(int((logit + LOGIT_LIMIT) * BINS / (2.0 * LOGIT_LIMIT)), 0), BINS - 1)
