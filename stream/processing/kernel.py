"""Running the compiled kernel over customers in their packed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.features import codec
from stream.features.checksum import seeds_of
from stream.features.profile import NEVER, PROFILE
from stream.features.registry import FEATURES
from stream.processing import customer_loop
from stream.processing.advance import FIRED
from stream.processing.compiled_model import compiled
from stream.processing.customer_loop import (
    CRAMPED,
    DAMAGED,
    DONE,
    STANDING,
    Customers,
    Events,
    LatestVectors,
    LoopOutput,
)
from stream.processing.deciding import SUPPRESSED
from stream.processing.emission import EMISSION, STAGE_CHANGE, StageChanges
from stream.processing.rules import Model, Rules

__all__ = ["Kernel", "Run", "Scores", "StoredProfiles"]

#: Emissions that are taken from the compiled code at a time.
_EMISSIONS = 4096
#: Room for packed profiles at first, for each customer.
_BYTES = 512


class StoredProfiles(NamedTuple):
    """Customers, their verified packed profiles (None: a new customer), and the landmark phases (ms) of new ones."""

    customers: Sequence[str]
    blobs: Sequence[bytes | None]
    phases: Sequence[int]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the kernel left, by customer where not said otherwise.

    ``model``: COMPILED_MODEL[1] that scored. ``raw``, ``starts``: the packed profiles end to end, and where each
    begins and the last ends; valid until the next run. ``standing``: STANDING, with ``due``, the next timer (ms),
    `-NEVER` for none. ``values``, ``inputs``: the feature vector as of the last look. ``status``: what became of each
    event. ``emissions``: EMISSION in the order of the events; ``row`` is the customer. ``stage_changes``: STAGE_CHANGE,
    likewise. ``fired``: timers by kind. ``suppressed``: evaluations that reached the level and raised nothing, by
    reason.
    """

    model: npt.NDArray[np.void]
    raw: npt.NDArray[np.uint8]
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
        starts = self.starts.tolist()
        raw = self.raw[: starts[-1]].tobytes()
        return [raw[begin:end] for begin, end in pairwise(starts)]

    def without_strangers(self, customers: Sequence[str]) -> tuple[list[str], Run]:
        """The customers, and the run, without the unknown ones, whose only events were refused."""
        is_known = self.standing["events"] > 0
        if is_known.all():
            return [*customers], self
        rows = np.flatnonzero(is_known)
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
        return [customers[row] for row in rows.tolist()], known


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
    """The compiled loops, with the buffers that they work in."""

    def __init__(self, rules: Rules) -> None:
        #: The layout in which profiles are written (`codec.LAYOUT` or `codec.LAYOUT_BEFORE`).
        self.layout = codec.LAYOUT
        self._rules = rules
        self._working = np.zeros(1, PROFILE)
        self._raw = np.empty(codec.MAX_BYTES, np.uint8)
        self._emissions = np.zeros(_EMISSIONS, EMISSION)
        self._changes = StageChanges(np.zeros(_EMISSIONS, STAGE_CHANGE), np.zeros(1, np.int64))
        self._value = np.zeros(len(FEATURES))
        self._input = np.zeros(len(FEATURES), np.int16)
        self._model: tuple[Model, npt.NDArray[np.void]] | None = None

    def advance(
        self,
        known: StoredProfiles,
        rows: npt.NDArray[np.int64],
        events: npt.NDArray[np.void],
        stream_time: npt.NDArray[np.int64],
        model: Model,
    ) -> Run:
        """Apply ``events`` (EVENT) of the customers at positions ``rows``; see `customer_loop.advance`.

        Raises `CodecError` when a packed profile is not one.
        """
        models = self._compiled(model)
        feed = Events(
            columns=events,
            order=np.argsort(rows, kind="stable"),
            first=np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(known.blobs)))]),
            stream_time=stream_time,
            status=np.zeros(len(events), np.uint8),
        )

        def go_on(cursor: npt.NDArray[np.void], customers: Customers, left: LoopOutput) -> tuple[int, int]:
            result: tuple[int, int] = customer_loop.advance(
                self._working, cursor, customers, feed, self._rules_under(model), models, left
            )
            return result

        return self._run(go_on, known, models, feed.status)

    def sweep(self, known: StoredProfiles, until: int, model: Model, *, looks_at_all: bool = False) -> Run:
        """Fire the timers of the customers that are due before ``until`` (ms). Raises as `advance` does.

        ``looks_at_all``: then score each of them as of ``until``, with or without a due timer.
        """
        models = self._compiled(model)

        def go_on(cursor: npt.NDArray[np.void], customers: Customers, left: LoopOutput) -> tuple[int, int]:
            result: tuple[int, int] = customer_loop.sweep(
                self._working, cursor, customers, until, looks_at_all, self._rules_under(model), models, left
            )
            return result

        return self._run(go_on, known, models, np.zeros(0, np.uint8))

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
        damaged = customer_loop.score(
            self._working, customers, now, self._compiled(model), values, inputs, risks, habits
        )
        if damaged >= 0:
            raise codec.damage(blobs[damaged], damaged)
        return Scores(values, inputs, risks, habits)

    def _rules_under(self, model: Model) -> Rules:
        """The rules in force; the layout of the release before has no room for stages."""
        return self._rules.under(model)._replace(stages=self._rules.stages and self.layout == codec.LAYOUT)

    def _compiled(self, model: Model) -> npt.NDArray[np.void]:
        if self._model is None or self._model[0] is not model:  # it changes seldom, and a step may have one event
            self._model = model, compiled(model)
        return self._model[1]

    def _run(
        self,
        go_on: Callable[[npt.NDArray[np.void], Customers, LoopOutput], tuple[int, int]],
        known: StoredProfiles,
        models: npt.NDArray[np.void],
        status: npt.NDArray[np.uint8],
    ) -> Run:
        count = len(known.blobs)
        customers = Customers(*codec.join(known.blobs), seeds_of(known.customers), np.array(known.phases, np.int64))
        left = self.output_for(count, len(customers.raw) + _BYTES * count)
        cursor = customer_loop.new_cursor()
        emissions, changes = [], []
        while True:
            self._changes.used[0] = 0
            ended, emitted = go_on(cursor, customers, left)
            emissions.append(self._emissions[:emitted].copy())
            changes.append(self._changes.records[: self._changes.used[0]].copy())
            if ended == DONE:
                break
            if ended == DAMAGED:
                row = int(cursor[0]["row"])
                raise codec.damage(known.blobs[row] or b"", row)
            if ended == CRAMPED:
                self._raw = np.concatenate([self._raw, np.empty_like(self._raw)])
                left = left._replace(raw=self._raw)
        return Run(
            model=models,
            raw=self._raw,
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

    def output_for(self, count: int, raw: int) -> LoopOutput:
        """Room for what a loop leaves of so many customers, whose packed profiles take so many bytes at first."""
        if len(self._raw) < raw:
            self._raw = np.empty(raw, np.uint8)
        return LoopOutput(
            layout=self.layout,
            raw=self._raw,
            ends=np.zeros(count, np.int64),
            standing=np.zeros(count, STANDING),
            emissions=self._emissions,
            tally=np.zeros(len(FIRED) + len(SUPPRESSED), np.int64),
            looks=LatestVectors(
                at=np.full(count, NEVER),
                values=np.zeros((count, len(FEATURES))),
                inputs=np.zeros((count, len(FEATURES)), np.int16),
                value=self._value,
                input=self._input,
            ),
            changes=self._changes,
        )


def _in_order(parts: list[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    joined = np.concatenate(parts)
    return joined[np.argsort(joined["position"], kind="stable")]
