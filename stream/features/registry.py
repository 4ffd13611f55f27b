"""The declared features as the kernel sees them: by column, and what is worked out from their declarations once."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from stream.catalogue.declaring import MAX_NUMBERS
from stream.catalogue.features import FEATURES
from stream.catalogue.windows import DAY_MS, HOUR_MS

__all__ = [
    "COLUMN",
    "COLUMN_OF_NUMBER",
    "DAY_MS",
    "FEATURES",
    "FEATURE_NAMES",
    "HOUR_MS",
    "INPUT_SCALE",
    "SILENCE",
    "complete",
]

#: Model inputs are quantised to 1/INPUT_SCALE: a frozen vector is small and exactly what was scored.
INPUT_SCALE = 1024

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
COLUMN: dict[str, int] = {name: column for column, name in enumerate(FEATURE_NAMES)}

#: The column of each number in stored profiles, -1 for a number that no feature has.
COLUMN_OF_NUMBER: npt.NDArray[np.int64] = np.full(MAX_NUMBERS, -1, np.int64)
COLUMN_OF_NUMBER[[feature.number for feature in FEATURES]] = range(len(FEATURES))

#: Columns of the inputs that grow with the time since the last order.
SILENCE: tuple[int, int] = (COLUMN["days_since_purchase"], COLUMN["silence_ratio"])


def complete(shown: Mapping[str, float | None]) -> dict[str, float | None]:
    """All features in their order, of those that a document shows; None is "not known yet"."""
    return {feature.name: shown.get(feature.name, feature.absent) for feature in FEATURES}
