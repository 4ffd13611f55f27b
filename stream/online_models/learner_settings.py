"""What a deployment asks of the models."""

import math
from dataclasses import dataclass

from stream.errors import SettingsError
from stream.online_models.archetypes import ARCHETYPES
from stream.online_models.horizon import FIRST_HORIZON_DAYS, Seed
from stream.settings import Settings

__all__ = ["LearnerSettings", "learner_settings_of"]

_LONGEST_HALF_LIFE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSettings:
    """What is asked of the models. Raises `SettingsError` for values that make no sense.

    ``min_labels`` labels, and ``min_class_labels`` of them churned and as many not, make the churn model
    ready. ``segments`` is the number of clusters. ``alerts_per_week``: how many there should be (0: alerts are raised
    by risk). Recent figures halve the weight of examples every
    ``half_life_examples``. ``horizon_days``: the horizon of labels, 0 for one that follows the shop; ``seed``: what
    such a one, and the usual gap, begin with, None for `FIRST_HORIZON_DAYS` and `SHOP_GAP_DAYS`.
    """

    min_labels: int = 500
    min_class_labels: int = 50
    segments: int = 6
    alerts_per_week: float = 20.0
    half_life_examples: float = 10_000.0
    horizon_days: float = FIRST_HORIZON_DAYS
    seed: Seed | None = None

    def __post_init__(self) -> None:
        if self.min_labels < 0 or self.min_class_labels < 0:
            raise SettingsError(
                f"min_labels {self.min_labels}, min_class_labels {self.min_class_labels}: expected >= 0"
            )
        if not 1 <= self.segments <= len(ARCHETYPES):
            raise SettingsError(f"segments is {self.segments}, expected 1..{len(ARCHETYPES)}: each has a name")
        if not 1.0 <= self.half_life_examples <= _LONGEST_HALF_LIFE:
            raise SettingsError(f"half_life_examples is {self.half_life_examples}, expected 1..{_LONGEST_HALF_LIFE:g}")
        if not 0.0 <= self.horizon_days < math.inf:
            raise SettingsError(f"horizon_days is {self.horizon_days}, expected 0 (it follows the shop) or more")


def learner_settings_of(settings: Settings, seed: Seed | None = None) -> LearnerSettings:
    """What the settings of a deployment ask of the models."""
    return LearnerSettings(
        min_labels=settings.min_labels,
        alerts_per_week=settings.alerts_per_week,
        horizon_days=settings.horizon_days,
        seed=seed,
    )
