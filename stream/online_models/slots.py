"""Versions of churn models: whole numbers that name a state of a contender.

A version is `MAX_SLOTS` times the labels learned, plus the slot of the contender. Workers store it with what they gave,
so a label that matures a horizon later still says which contender spoke. Which name has which slot is part of the
checkpoint: contenders may be added to the roster, removed and reordered.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["MAX_SLOTS", "Slots"]

#: Contenders that versions can tell apart. Never change: stored versions are made with it.
MAX_SLOTS: Final = 10


class Slots:
    """The table of names: a new one gets a slot of its own, for good.

    The slot of a name that has left the roster is given away only when all are taken, that of the lowest number first.

    >>> slots = Slots(("standard", "brisk"), ("standard", "quick"))
    >>> slots.names, slots.version("brisk", 500), slots.speaker(5001)
    (('standard', 'quick', 'brisk'), 5002, ('quick', 500))
    """

    def __init__(self, roster: Sequence[str], names: Sequence[str] = ()) -> None:
        if not 1 <= len(roster) <= MAX_SLOTS or len(names) > MAX_SLOTS:
            raise ValueError(f"{len(roster)} contenders, {len(names)} slots: expected 1..{MAX_SLOTS}")
        found = list(names)
        for name in roster:
            if name in found:
                continue
            if len(found) < MAX_SLOTS:
                found.append(name)
            else:
                found[next(slot for slot, old in enumerate(found) if old not in roster)] = name
        self.names = tuple(found)

    def version(self, name: str, labels: int) -> int:
        """The version of a contender's model after so many labels in all."""
        return MAX_SLOTS * labels + self.names.index(name)

    def speaker(self, version: int) -> tuple[str | None, int]:
        """The contender of a version, None if there is no such slot, and the labels it had learned."""
        labels, slot = divmod(version, MAX_SLOTS)
        return (self.names[slot] if slot < len(self.names) else None), labels
