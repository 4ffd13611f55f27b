"""A run over any number of customers, so many at a time as the working array is to hold.

A profile takes 23 kB unpacked: thousands at a time would be hundreds of megabytes and cold in every cache. Customers
do not depend on each other within a step (stream time is worked out before), so they are advanced in groups, each with
its events in order, and what was emitted is put back into the order of the events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.processing.kernel import Kernel, Run
from stream.processing.rules import Model

__all__ = ["Passed", "advance", "sweep"]

#: Makes the documents of the customers of a run, in its order.
Build = Callable[[Sequence[str], Run], list[bytes]]

#: Customers in the working array at a time.
_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Passed:
    """What all passes left, as `Run` has it for one; documents and packed profiles in the order of the customers.

    ``emissions``: in the order of the events, ``row`` is the position of the customer.
    """

    documents: list[bytes]
    packed: list[bytes]
    due: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    emissions: npt.NDArray[np.void]
    fired: dict[str, int]
    suppressed: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Customers:
    """Ids, packed profiles (None: nothing known yet) and landmark phases (ms)."""

    ids: Sequence[str]
    blobs: Sequence[bytes | None]
    phases: Sequence[int]

    def groups(self, kernel: Kernel) -> Iterator[tuple[int, int]]:
        """Load a group after the other; yields its first position and its size."""
        for first in range(0, len(self.ids), _ROWS):
            group = slice(first, first + _ROWS)
            kernel.load(self.blobs[group], self.phases[group])
            yield first, len(self.ids[group])


def advance(
    kernel: Kernel,
    customers: tuple[Sequence[str], Sequence[bytes | None], Sequence[int]],
    rows: npt.NDArray[np.int64],
    events: npt.NDArray[np.void],
    stream_time: npt.NDArray[np.int64],
    model: Model,
    build: Build,
) -> Passed:
    """Apply ``events`` (EVENT) of the customers at positions ``rows``; see `Kernel.advance`.

    ``customers``: ids, packed profiles (None: nothing known yet), landmark phases (ms). ``build``: called after each
    pass, while the rows are there.
    """
    known = _Customers(*customers)
    joined = _Joined(build, len(events))
    by_customer = np.argsort(rows, kind="stable")
    sorted_rows = rows[by_customer]
    for first, count in known.groups(kernel):
        low, high = np.searchsorted(sorted_rows, (first, first + count))
        of_group = np.sort(by_customer[low:high])
        run = kernel.advance(count, rows[of_group] - first, events[of_group], stream_time[of_group], model)
        joined.add(known.ids[first : first + count], first, run, of_group)
    return joined.result()


def sweep(
    kernel: Kernel,
    customers: tuple[Sequence[str], Sequence[bytes | None], Sequence[int]],
    until: int,
    model: Model,
    build: Build,
) -> Passed:
    """Fire what is due before ``until`` (ms); see `Kernel.sweep` and, for ``customers``, `advance`."""
    known = _Customers(*customers)
    joined = _Joined(build, 0)
    for first, count in known.groups(kernel):
        run = kernel.sweep(count, until, model)
        joined.add(known.ids[first : first + count], first, run, np.zeros(1, np.int64))
    return joined.result()


class _Joined:
    """Collects what the passes leave."""

    def __init__(self, build: Build, events: int) -> None:
        self._build = build
        self._documents: list[bytes] = []
        self._packed: list[bytes] = []
        self._due: list[npt.NDArray[np.int64]] = []
        self._status = np.zeros(events, np.uint8)
        self._emissions: list[npt.NDArray[np.void]] = []
        self._fired: Counter[str] = Counter()
        self._suppressed: Counter[str] = Counter()

    def add(self, ids: Sequence[str], first: int, run: Run, positions: npt.NDArray[np.int64]) -> None:
        """Take over what a pass left of the customers from ``first`` on; ``positions``: of its events, in all."""
        self._documents += self._build(ids, run)
        self._packed += run.packed
        self._due.append(run.due)
        if len(run.status):
            self._status[positions] = run.status
        run.emissions["row"] += first
        run.emissions["position"] = positions[run.emissions["position"]]
        self._emissions.append(run.emissions)
        self._fired.update(run.fired)
        self._suppressed.update(run.suppressed)

    def result(self) -> Passed:
        """All of it."""
        emissions = np.concatenate(self._emissions)
        return Passed(
            documents=self._documents,
            packed=self._packed,
            due=np.concatenate(self._due),
            status=self._status,
            emissions=emissions[np.argsort(emissions["position"], kind="stable")],
            fired=dict(self._fired),
            suppressed=dict(self._suppressed),
        )
