"""Running the compiled kernel over a working array of profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from stream.features import codec
from stream.features.profile import PROFILE, reset
from stream.features.registry import FEATURES
from stream.processing.advance import FIRED, SUPPRESSED, advance, settle, sweep
from stream.processing.emission import EMISSION
from stream.processing.rules import Model, Rules
from stream.processing.score import score_rows

__all__ = ["Kernel", "Run", "Scores"]

_BUFFER = 4096


@numba.njit(cache=True)
def _reset_rows(profiles, rows, phases):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        reset(profiles[rows[i]], phases[i])


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the kernel left.

    Row *i* is a touched customer. ``profiles``: the rows themselves (valid until the next run); ``packed``: their
    packed form; ``due``: next timer (ms, int64), `-NEVER` for none; ``values``/``inputs``: the feature vector as of
    the last look.
    ``status``: what became of each event. ``fired``: timers by kind. ``suppressed``: evaluations that
    reached the level and raised nothing, by reason.
    """

    profiles: npt.NDArray[np.void]
    packed: list[bytes]
    due: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.int16]
    status: npt.NDArray[np.uint8]
    emissions: npt.NDArray[np.void]
    fired: dict[str, int]
    suppressed: dict[str, int]


@dataclass(frozen=True, slots=True)
class Scores:
    """Feature values float64[N, features], model inputs int16[N, features] and risks float64[N] of N rows."""

    values: npt.NDArray[np.float64]
    inputs: npt.NDArray[np.int16]
    risks: npt.NDArray[np.float64]


class Kernel:
    """A reusable working array and the compiled functions over it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._profiles = np.zeros(0, PROFILE)
        self._out = np.zeros(_BUFFER, EMISSION)
        self._value = np.zeros(len(FEATURES))
        self._inputs = np.zeros(len(FEATURES), np.int16)

    def load(self, blobs: Sequence[bytes | None], phases: Sequence[int]) -> None:
        """Fill rows 0.. from packed profiles; None starts a new customer with the given landmark phase (ms)."""
        if len(self._profiles) < len(blobs):
            self._profiles = np.zeros(max(len(blobs), 2 * len(self._profiles)), PROFILE)
        known = [i for i, blob in enumerate(blobs) if blob is not None]
        codec.unpack(self._profiles, known, [blob for blob in blobs if blob is not None])
        new = np.array([i for i, blob in enumerate(blobs) if blob is None], np.int64)
        _reset_rows(self._profiles, new, np.array([phases[i] for i in new], np.int64))

    def advance(
        self,
        count: int,
        rows: npt.NDArray[np.int64],
        events: npt.NDArray[np.void],
        stream_time: npt.NDArray[np.int64],
        model: Model,
    ) -> Run:
        """Apply events to the loaded rows 0..count-1; see `stream.processing.advance.advance`."""
        status = np.zeros(len(events), np.uint8)

        def resume(begin: int, tally: npt.NDArray[np.int64]) -> tuple[int, int]:
            result: tuple[int, int] = advance(
                self._profiles,
                rows,
                events,
                stream_time,
                begin,
                self._rules,
                model,
                status,
                self._out,
                tally,
                self._value,
                self._inputs,
            )
            return result

        return self._run(resume, len(events), count, model, status)

    def sweep(self, count: int, until: int, model: Model) -> Run:
        """Fire the timers of the loaded rows 0..count-1 that are due before ``until`` (ms)."""

        def resume(begin: int, tally: npt.NDArray[np.int64]) -> tuple[int, int]:
            result: tuple[int, int] = sweep(
                self._profiles,
                begin,
                count,
                until,
                self._rules,
                model,
                self._out,
                tally,
                self._value,
                self._inputs,
            )
            return result

        return self._run(resume, count, count, model, np.zeros(0, np.uint8))

    def score(self, count: int, now: int, model: Model) -> Scores:
        """Score the loaded rows 0..count-1 at ``now`` (ms), changing nothing."""
        values = np.zeros((count, len(FEATURES)))
        inputs = np.zeros((count, len(FEATURES)), np.int16)
        risks = np.zeros(count)
        score_rows(self._profiles, count, now, model, values, inputs, risks)
        return Scores(values, inputs, risks)

    def _run(
        self,
        resume: Callable[[int, npt.NDArray[np.int64]], tuple[int, int]],
        end: int,
        count: int,
        model: Model,
        status: npt.NDArray[np.uint8],
    ) -> Run:
        tally = np.zeros(len(FIRED) + len(SUPPRESSED), np.int64)
        emissions = []
        at = 0
        while True:
            at, emitted = resume(at, tally)
            emissions.append(self._out[:emitted].copy())
            if at == end:
                break
        due = np.zeros(count, np.int64)
        values = np.zeros((count, len(FEATURES)))
        inputs = np.zeros((count, len(FEATURES)), np.int16)
        settle(self._profiles, count, self._rules, model, due, values, inputs)
        return Run(
            profiles=self._profiles[:count],
            packed=codec.pack(self._profiles, count),
            due=due,
            values=values,
            inputs=inputs,
            status=status,
            emissions=np.concatenate(emissions),
            fired={kind: int(tally[position]) for kind, position in FIRED.items()},
            suppressed={reason: int(tally[position]) for reason, position in SUPPRESSED.items()},
        )
