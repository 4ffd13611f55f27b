"""Leads counted by the week of a landmark: how many were alike, and how long it took them to order.

Counts of whole numbers add up and can be taken back, so a landmark that changes, because an event came late, is
replaced. Those of several partitions are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stream.leads.signs import Landmark

__all__ = ["Cells", "added", "converted", "count"]

#: By cell: how many leads, then how many of them ordered in the week itself, in the one after, and so on.
Cells = dict[str, list[int]]


def count(cells: Cells, landmark: Landmark, by: int) -> None:
    """Count a landmark ``by`` times, which may be negative; what is empty is left out, so equal counts look alike."""
    counts = cells.setdefault(landmark.cell, [0])
    counts[0] += by
    if landmark.wait is not None:
        counts += [0] * (landmark.wait + 2 - len(counts))
        counts[landmark.wait + 1] += by
        while counts and not counts[-1]:
            counts.pop()
    if not any(counts):
        del cells[landmark.cell]


def added(parts: Iterable[tuple[int, Mapping[str, list[int]]]]) -> dict[int, Cells]:
    """Counts by week, of parts that are of a week each; parts may take something back, and what is empty is left out.

    >>> added([(1, {"a": [2, 1]}), (1, {"a": [3], "b": [1]})])
    {1: {'a': [5, 1], 'b': [1]}}
    >>> added([(1, {"a": [2, 1], "b": [1]}), (1, {"a": [-1, -1]}), (1, {"b": [-1]})])
    {1: {'a': [1]}}
    """
    total: dict[int, Cells] = {}
    for week, cells in parts:
        into = total.setdefault(week, {})
        for cell, counts in cells.items():
            sums = into.setdefault(cell, [])
            sums += [0] * (len(counts) - len(sums))
            for position, one in enumerate(counts):
                sums[position] += one
    return {
        week: {cell: _without_end(counts) for cell, counts in cells.items() if any(counts)}
        for week, cells in total.items()
    }


def _without_end(counts: list[int]) -> list[int]:
    while not counts[-1]:
        counts.pop()
    return counts


def converted(counts: list[int], horizon_weeks: int) -> tuple[int, int]:
    """How many leads there were, and how many ordered within the horizon.

    >>> converted([10, 1, 0, 2], 2), converted([10, 1, 0, 2], 3)
    ((10, 1), (10, 3))
    """
    return counts[0], sum(counts[1 : 1 + horizon_weeks])
