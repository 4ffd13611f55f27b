"""The lead of a challenger over the champion: by how much its loss over the recent labels is less, beyond doubt."""

import math

from msgspec import Struct

__all__ = ["GROWTH", "HALF_LIFE_LABELS", "MIN_DEVIATIONS", "MIN_LABELS", "Lead"]

HALF_LIFE_LABELS = 5_000.0
MIN_LABELS = 1_000.0
MIN_DEVIATIONS = 3.0

#: By how much more each label weighs than the one before.
GROWTH = 2.0 ** (1.0 / HALF_LIFE_LABELS)
_RESCALE_AT = 2.0**400


class Lead(Struct, kw_only=True):
    """Sums of champion's loss less challenger's: exponentially weighted, ``weight`` is that of the last label."""

    weight: float = 1.0
    labels: float = 0.0
    squares: float = 0.0
    difference: float = 0.0
    difference_squared: float = 0.0
    champion_loss: float = 0.0

    def record(self, champion_loss: float, loss: float) -> None:
        self.weight = weight = self.weight * GROWTH
        difference = champion_loss - loss
        self.labels += weight
        self.squares += weight * weight
        self.difference += weight * difference
        self.difference_squared += weight * difference * difference
        self.champion_loss += weight * champion_loss
        if weight > _RESCALE_AT:
            self.weight /= _RESCALE_AT
            self.labels /= _RESCALE_AT
            self.squares /= _RESCALE_AT**2
            self.difference /= _RESCALE_AT
            self.difference_squared /= _RESCALE_AT
            self.champion_loss /= _RESCALE_AT

    @property
    def share(self) -> float:
        """The challenger's lead as a share of the champion's loss; 0 unless it is significant."""
        if self.labels < MIN_LABELS * self.weight:
            return 0.0
        mean = self.difference / self.labels
        variance = max(self.difference_squared / self.labels - mean * mean, 0.0)
        # the variance of a weighted mean: sum of w^2 over (sum of w)^2
        error = math.sqrt(variance * self.squares) / self.labels
        if mean < MIN_DEVIATIONS * error or self.champion_loss <= 0.0:
            return 0.0
        return self.difference / self.champion_loss
