"""How many customers there are of each stage, and by each channel: counted behind who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from stream.console.recent import Recent
from stream.directory.customer_groups import by_channel, counted
from stream.directory.database import reading
from stream.directory.store import DirectoryStore

__all__ = ["GroupCounts", "recent_counts"]


class GroupCounts(NamedTuple):
    """Customers by stage, and by channel, the most first."""

    stages: Mapping[str, int]
    channels: Mapping[str, int]


def recent_counts(store: DirectoryStore, monotonic: Callable[[], float] = time.monotonic) -> Recent[GroupCounts]:
    """Counted in all customers, some seconds ago."""

    def count() -> GroupCounts:
        with reading(store.engine) as connection:
            return GroupCounts(counted(connection, "stage"), by_channel(connection))

    return Recent(count, monotonic)
