"""How often Python looks for garbage among what refers to itself; all else is freed by its counts."""

import gc

__all__ = ["look_rarely"]


def look_rarely() -> None:
    """Look after each 100,000 new objects, not after each 700: hardly any are found."""
    gc.set_threshold(100_000, 20, 50)
