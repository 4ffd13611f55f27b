"""The declared features as the kernel sees them: by column, and what is worked out from their declarations once."""

from collections.abc import Mapping

from stream.catalogue.features import FEATURES
from stream.catalogue.windows import DAY_MS, HOUR_MS

__all__ = ["COLUMN", "DAY_MS", "FEATURES", "FEATURE_NAMES", "HOUR_MS", "INPUT_SCALE", "SILENCE", "complete"]

#: Model inputs are quantised to 1/INPUT_SCALE: a frozen vector is small and exactly what was scored.
INPUT_SCALE = 1024

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
COLUMN: dict[str, int] = {name: column for column, name in enumerate(FEATURE_NAMES)}

#: Columns of the inputs that grow with the time since the last order.
SILENCE: tuple[int, int] = (COLUMN["days_since_purchase"], COLUMN["silence_ratio"])


def complete(shown: Mapping[str, float | None]) -> dict[str, float | None]:
    """All features in their order, of those that a document shows; None is "not known yet"."""
    return {feature.name: shown.get(feature.name, feature.absent) for feature in FEATURES}
