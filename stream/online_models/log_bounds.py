"""Bounds of the logarithm of a mean, for the regression that learns it and for the snapshot that is scored by."""

from typing import Final

__all__ = ["MAX_ETA", "MIN_ETA"]

MIN_ETA: Final = -15.0
MAX_ETA: Final = 30.0
