"""Which offsets may be committed: those below the first record that is not dealt with."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

__all__ = ["OffsetLedger"]

Partition = tuple[str, int]


class OffsetLedger:
    """Counts for each record read how much of it is still to be done. Records are entered in the order of a partition.

    What concerns a partition that was dropped is ignored: its next owner reads it again.
    """

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self._open: dict[Partition, dict[int, int]] = {}
        self._committed: dict[Partition, int] = {}

    def enter(self, topic: str, partition: int, offset: int, parts: int) -> None:
        """Enter a record that is done when `parts` things are; 0: it is done."""
        owned = (topic, partition)
        self._next[owned] = offset + 1
        if parts:
            self._open.setdefault(owned, {})[offset] = parts

    def done(self, topic: str, partition: int, offset: int) -> None:
        """One thing of a record is done."""
        records = self._open.get((topic, partition), {})
        left = records.get(offset, 0) - 1
        if left > 0:
            records[offset] = left
        else:
            records.pop(offset, None)

    def committable(self) -> Mapping[Partition, int]:
        """For each partition that moved since `committed` was called for it: the next offset that must be read."""
        moved = {}
        for owned, following in self._next.items():
            records = self._open.get(owned)
            position = next(iter(records)) if records else following
            if position != self._committed.get(owned):
                moved[owned] = position
        return MappingProxyType(moved)

    def committed(self, positions: Mapping[Partition, int]) -> None:
        """Remember what was committed."""
        self._committed.update(positions)

    def uncommitted(self, partitions: Iterable[Partition]) -> None:
        """Forget that these were committed: it failed."""
        for owned in partitions:
            self._committed.pop(owned, None)

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that are not ours any more."""
        for owned in partitions:
            for of_partition in (self._next, self._open, self._committed):
                of_partition.pop(owned, None)
