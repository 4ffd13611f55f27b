"""Running the compiled kernel over customers in their packed form.

A run is prepared, and then made: the compiled loops need no lock of the interpreter, so any thread may make it while
others prepare or make theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from stream.features import codec
from stream.features.checksum import seeds_of
from stream.features.registry import FEATURES
from stream.processing import customer_loop
from stream.processing.advance import FIRED
from stream.processing.buffers import Buffers
from stream.processing.compiled_model import compiled
from stream.processing.customer_loop import (
    CRAMPED,
    DAMAGED,
    DONE,
    Customers,
    Events,
    LoopOutput,
)
from stream.processing.deciding import SUPPRESSED
from stream.processing.rules import Model, Rules

__all__ = ["Kernel", "Run", "Scores", "StoredProfiles"]

#: Room for packed profiles at first, for each customer.
_BYTES = 512

#: A loop over PROFILE[1], CURSOR[1], the customers and the room for what it leaves: why it ended, and emissions.
_Loop = Callable[[npt.NDArray[np.void], npt.NDArray[np.void], Customers, LoopOutput], tuple[int, int]]


class StoredProfiles(NamedTuple):
    """Customers, their verified packed profiles (None: a new customer), and the landmark phases (ms) of new ones."""

    customers: Sequence[str]
    blobs: Sequence[bytes | None]
    phases: Sequence[int]

    @classmethod
    def of(cls, customers: Sequence[str], blobs: Sequence[bytes | None], period: int) -> StoredProfiles:
        """With phases by the ids of new customers; ``period``: of the landmarks (ms)."""
        phases = [0] * len(blobs)
        for row, blob in enumerate(blobs):
            if blob is None:
                phases[row] = xxhash.xxh3_64_intdigest(customers[row].encode()) % period
        return cls(customers, blobs, phases)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the kernel left, by customer where not said otherwise.

    ``model``: COMPILED_MODEL[1] that scored. ``raw``, ``starts``: the packed profiles end to end, and where each
    begins and the last ends. ``standing``: STANDING, with ``due``, the next timer (ms), `-NEVER` for none. ``values``,
    ``inputs``: the feature vector as of the last look. ``status``: what became of each event. ``emissions``: EMISSION
    in the order of the events; ``row`` is the customer. ``stage_changes``: STAGE_CHANGE, likewise. ``fired``: timers by
    kind. ``suppressed``: evaluations that reached the level and raised nothing, by reason.
    """

    model: npt.NDArray[np.void]
    raw: bytes
    starts: npt.NDArray[np.int64]
    standing: npt.NDArray[np.void]
    values: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.int16]
    status: npt.NDArray[np.uint8]
    emissions: npt.NDArray[np.void]
    stage_changes: npt.NDArray[np.void]
    fired: dict[str, int]
    suppressed: dict[str, int]

    def packed(self) -> list[bytes]:
        """The packed profiles one by one."""
        raw = self.raw
        return [raw[begin:end] for begin, end in pairwise(self.starts.tolist())]

    def without_strangers(self, customers: Sequence[str]) -> tuple[list[str], Run, npt.NDArray[np.int64]]:
        """The customers, and the run, without the unknown ones, whose only events were refused; and the rows left."""
        is_known = self.standing["events"] > 0
        rows = np.flatnonzero(is_known)
        if is_known.all():
            return [*customers], self, rows
        row_of = np.cumsum(is_known) - 1
        emissions, changes = self.emissions.copy(), self.stage_changes.copy()
        emissions["row"] = row_of[emissions["row"]]
        changes["row"] = row_of[changes["row"]]
        known = replace(
            self,
            starts=np.concatenate([[0], self.starts[1:][rows]]),
            standing=self.standing[rows],
            values=self.values[rows],
            inputs=self.inputs[rows],
            emissions=emissions,
            stage_changes=changes,
        )
        return [customers[row] for row in rows.tolist()], known, rows


@dataclass(frozen=True, slots=True)
class Scores:
    """Feature values float64[N, features], model inputs int16[N, features] and risks float64[N] of N customers.

    ``habits``: float64[N], their usual gaps between orders in days (`stream.features.habit`).
    """

    values: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.int16]
    risks: npt.NDArray[np.float64]
    habits: npt.NDArray[np.float64]


class Kernel:
    """The compiled loops. `advance` and `sweep` prepare a run and return what makes it.

    That may be called once, in any thread, beside other runs: each has buffers to itself while it is under way, of
    which there are as many as there were ever runs at once.
    """

    def __init__(self, rules: Rules) -> None:
        #: The layout in which profiles are written (`codec.LAYOUT` or `codec.LAYOUT_BEFORE`).
        self.layout = codec.LAYOUT
        self._rules = rules
        self._idle: list[Buffers] = []
        self._model: tuple[Model, npt.NDArray[np.void]] | None = None

    def advance(
        self,
        known: StoredProfiles,
        rows: npt.NDArray[np.int64],
        events: npt.NDArray[np.void],
        stream_time: npt.NDArray[np.int64],
        model: Model,
    ) -> Callable[[], Run]:
        """To apply ``events`` (EVENT) of the customers at positions ``rows``; see `customer_loop.advance`.

        The call raises `CodecError` when a packed profile is not one.
        """
        models, rules = self._compiled(model), self._rules_under(model)
        feed = Events(
            columns=events,
            order=np.argsort(rows, kind="stable"),
            first=np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(known.blobs)))]),
            stream_time=stream_time,
            status=np.zeros(len(events), np.uint8),
        )

        def go_on(
            working: npt.NDArray[np.void], cursor: npt.NDArray[np.void], customers: Customers, left: LoopOutput
        ) -> tuple[int, int]:
            result: tuple[int, int] = customer_loop.advance(working, cursor, customers, feed, rules, models, left)
            return result

        return self._prepared(go_on, known, models, feed.status)

    def sweep(
        self, known: StoredProfiles, until: int, model: Model, *, looks_at_all: bool = False
    ) -> Callable[[], Run]:
        """To fire the timers of the customers that are due before ``until`` (ms). The call raises as for `advance`.

        ``looks_at_all``: then score each of them as of ``until``, with or without a due timer.
        """
        models, rules = self._compiled(model), self._rules_under(model)

        def go_on(
            working: npt.NDArray[np.void], cursor: npt.NDArray[np.void], customers: Customers, left: LoopOutput
        ) -> tuple[int, int]:
            result: tuple[int, int] = customer_loop.sweep(
                working, cursor, customers, until, looks_at_all, rules, models, left
            )
            return result

        return self._prepared(go_on, known, models, np.zeros(0, np.uint8))

    def score(self, names: Sequence[str], blobs: Sequence[bytes], now: int, model: Model) -> Scores:
        """Verify and score packed profiles of customers at ``now`` (ms), changing nothing. Raises `CodecError`."""
        for name, blob in zip(names, blobs, strict=True):
            codec.verify(blob, name)
        unused = np.zeros(len(blobs), np.int64)
        customers = Customers(*codec.join(blobs), unused, unused)
        values = np.zeros((len(blobs), len(FEATURES)))
        inputs = np.zeros((len(blobs), len(FEATURES)), np.int16)
        risks = np.zeros(len(blobs))
        habits = np.zeros(len(blobs))
        with self._buffers() as buffers:
            damaged = customer_loop.score(
                buffers.working, customers, now, self._compiled(model), values, inputs, risks, habits
            )
        if damaged >= 0:
            raise codec.damage(blobs[damaged], damaged)
        return Scores(values, inputs, risks, habits)

    @contextmanager
    def _buffers(self) -> Iterator[Buffers]:
        """Buffers that nobody else uses in the block."""
        try:
            buffers = self._idle.pop()  # not looked at before: another thread may take the last
        except IndexError:
            buffers = Buffers()
        try:
            yield buffers
        finally:
            self._idle.append(buffers)

    def _rules_under(self, model: Model) -> Rules:
        """The rules in force; the layout of the release before has no room for stages."""
        return self._rules.under(model)._replace(stages=self._rules.stages and self.layout == codec.LAYOUT)

    def _compiled(self, model: Model) -> npt.NDArray[np.void]:
        """COMPILED_MODEL[1] for one run alone: it has room that the loops write to."""
        if self._model is None or self._model[0] is not model:  # it changes seldom, and a step may have one event
            self._model = model, compiled(model)
        return self._model[1].copy()

    def _prepared(
        self, go_on: _Loop, known: StoredProfiles, models: npt.NDArray[np.void], status: npt.NDArray[np.uint8]
    ) -> Callable[[], Run]:
        customers = Customers(*codec.join(known.blobs), seeds_of(known.customers), np.array(known.phases, np.int64))
        return partial(self._run, self.layout, go_on, known, customers, models, status)

    def _run(
        self,
        layout: int,
        go_on: _Loop,
        known: StoredProfiles,
        customers: Customers,
        models: npt.NDArray[np.void],
        status: npt.NDArray[np.uint8],
    ) -> Run:
        with self._buffers() as buffers:
            left = buffers.output_for(len(known.blobs), len(customers.raw) + _BYTES * len(known.blobs), layout)
            cursor = customer_loop.new_cursor()
            emissions, changes = [], []
            while True:
                left.changes.used[0] = 0
                ended, emitted = go_on(buffers.working, cursor, customers, left)
                emissions.append(left.emissions[:emitted].copy())
                changes.append(left.changes.records[: left.changes.used[0]].copy())
                if ended == DONE:
                    break
                if ended == DAMAGED:
                    row = int(cursor[0]["row"])
                    raise codec.damage(known.blobs[row] or b"", row)
                if ended == CRAMPED:
                    left = buffers.enlarged(left)
            raw = left.raw[: int(cursor[0]["packed_to"])].tobytes()
        return Run(
            model=models,
            raw=raw,
            starts=np.concatenate([[0], left.ends]),
            standing=left.standing,
            values=left.looks.values,
            inputs=left.looks.inputs,
            status=status,
            emissions=_in_order(emissions),
            stage_changes=_in_order(changes),
            fired={kind: int(left.tally[position]) for kind, position in FIRED.items()},
            suppressed={reason: int(left.tally[position]) for reason, position in SUPPRESSED.items()},
        )


def _in_order(parts: list[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    joined = np.concatenate(parts)
    return joined[np.argsort(joined["position"], kind="stable")]
