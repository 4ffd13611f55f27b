"""Outcomes of steps for those who evaluate a log: what the kernel emitted, without documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from stream.events.rejections import Rejection
from stream.processing.emission import EmissionKind
from stream.processing.json_text import Fragments
from stream.processing.kernel import Run
from stream.processing.outgoing import publishable
from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState
from stream.processing.step_outcome import OutcomeBuilder, StepOutcome, changed_timers, count_emissions
from stream.processing.written_run import WrittenRun

__all__ = ["BareOutcomes"]


class BareOutcomes(OutcomeBuilder):
    """Builds profiles, timers and emissions: a replay whose documents nobody reads takes half the time.

    ``recorded``: emissions that are published as records all the same.
    """

    def __init__(self, *arguments: Any, recorded: Collection[EmissionKind] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._recorded = [int(kind) for kind in recorded]

    def build(
        self,
        state: PartitionState,
        written: WrittenRun | None,
        scorer: Scorer,
        now_ms: int,
        rejections: Sequence[tuple[int, object, Rejection]],
        appended_at_ms: Mapping[int, int] = MappingProxyType({}),
        *,
        tells_all: bool = False,  # noqa: ARG002 - documents are not made
    ) -> StepOutcome:
        state.counters.dead_letters += len(rejections)
        if written is None:
            return StepOutcome(state, {}, {}, [], [], {}, [])
        run, customers = written.run, written.customers
        count_emissions(state.counters, run.emissions)
        state.counters.stage_changes += len(run.stage_changes)
        told = run.emissions[np.isin(run.emissions["kind"], self._recorded)] if self._recorded else run.emissions[:0]
        about = (customers, scorer, self._rules, self._topics, now_ms, appended_at_ms, self._money)
        timers, idle = changed_timers(written)
        return StepOutcome(
            state=state,
            documents={},
            timers=timers,
            idle=idle,
            retired=[],
            packed=dict(zip(customers, run.packed(), strict=True)),
            outgoing=publishable(told, *about) if len(told) else [],
            rows=written.cached.rows,
            due=run.standing["due"],
            emissions=run.emissions,
            emitting=customers,
        )

    def _documents(self, ids: Fragments, run: Run, scorer: Scorer) -> Sequence[bytes]:  # noqa: ARG002 - nobody reads them
        return ()
