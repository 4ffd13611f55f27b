"""Outcomes of steps for those who evaluate a log: what models learn from, without documents and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from stream.events.rejections import Rejection
from stream.processing.kernel import Run
from stream.processing.scorer import Scorer
from stream.processing.state import PartitionState
from stream.processing.step_outcome import OutcomeBuilder, StepOutcome, changed_timers, count_emissions
from stream.processing.teaching import examples_of

__all__ = ["ExamplesOnly"]


class ExamplesOnly(OutcomeBuilder):
    """Builds profiles, timers and examples: a replay whose documents nobody reads takes half the time."""

    def build(
        self,
        stored: Mapping[str, int],
        state: PartitionState,
        customers: Sequence[str],
        run: Run | None,
        scorer: Scorer,
        now_ms: int,
        rejections: Sequence[tuple[int, object, Rejection]],
        appended_at_ms: Mapping[int, int] = MappingProxyType({}),
    ) -> StepOutcome:
        if run is None:
            return super().build(stored, state, customers, run, scorer, now_ms, rejections, appended_at_ms)
        state.counters.dead_letters += len(rejections)
        count_emissions(state.counters, run.emissions)
        state.counters.stage_changes += len(run.stage_changes)
        timers, idle = changed_timers(run, customers, stored)
        return StepOutcome(
            state=state,
            documents={},
            timers=timers,
            idle=idle,
            retired=[],
            packed=dict(zip(customers, run.packed(), strict=True)),
            outgoing=[],
            examples=examples_of(run.emissions, customers),
        )
