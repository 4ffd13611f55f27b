"""What one step gives: what is written, what is published, and the figures of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stream.alerts.severity import severity_of
from stream.catalogue.declaring import Money
from stream.catalogue.outputs import CUSTOMER_VERSION
from stream.events.dead_letters import dead_letter
from stream.events.rejections import Defect, Rejection
from stream.features.stages import Stage
from stream.processing import document
from stream.processing.emission import EmissionCause, EmissionKind
from stream.processing.json_text import Fragments, quoted
from stream.processing.kernel import Run
from stream.processing.outgoing import Topics, publishable
from stream.processing.profile_cache import NO_TIMER, Cached
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.stage_changes import changes_of_stage
from stream.processing.state import Counters, Outgoing, PartitionState
from stream.processing.written_run import WrittenRun

__all__ = ["ALERTS", "PUBLIC_HEADERS", "OutcomeBuilder", "StepOutcome", "appended_at_ms", "changed_timers"]

#: Emissions that are published as alerts.
ALERTS = (EmissionKind.RAISED, EmissionKind.CLEARED, EmissionKind.WINBACK)
#: Of a published document. A record of a step that has this very list is the public part of what the step stores.
PUBLIC_HEADERS: Final[list[tuple[str, bytes | None]]] = [
    ("content-type", b"application/json"),
    ("schema-version", str(CUSTOMER_VERSION).encode()),
]


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step writes and publishes; nothing of it is true before `Partition.accept`.

    ``documents``: by customer. ``timers``: customer -> next due (ms), and ``idle``: customers without a timer, of
    those for whom that is news to the store. ``retired``: all customers of ``documents`` without a timer.
    ``packed``: profiles for the cache; ``rows``, ``due``, int64[N]: where it has these customers, and when their timers
    are due. ``outgoing``: records for the outbox, in order. ``fired``: timers by kind. ``rejected``: reasons of the
    dead letters. ``duplicates``/``applied``: events of this step, by input. ``alerts``: by (raised or cleared, cause,
    severity). ``raised_risks``: (cause, risk) of each alert raised. ``suppressed``: evaluations that reached the level
    and raised nothing, by reason. ``segment_changes``: how many. ``stage_changes``: by the stage that customers came
    into. ``forwarded``: events sent on, by input. ``forgotten``: customers whose documents go. ``emissions`` (EMISSION)
    and the customers of their rows, ``emitting``: from `BareOutcomes` alone, which publishes no examples.
    """

    state: PartitionState
    documents: dict[str, bytes]
    timers: dict[str, int]
    idle: list[str]
    retired: list[str]
    packed: dict[str, bytes]
    outgoing: list[Outgoing]
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)
    due: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)
    fired: dict[str, int] = field(default_factory=dict)
    rejected: list[tuple[int, Defect]] = field(default_factory=list)
    applied: Mapping[int, int] = field(default_factory=dict)
    duplicates: Mapping[int, int] = field(default_factory=dict)
    alerts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    raised_risks: Sequence[tuple[str, float]] = ()
    suppressed: Mapping[str, int] = field(default_factory=dict)
    segment_changes: int = 0
    stage_changes: Mapping[str, int] = field(default_factory=dict)
    forwarded: Mapping[int, int] = field(default_factory=dict)
    forgotten: Sequence[str] = ()
    emissions: npt.NDArray[np.void] | None = None
    emitting: Sequence[str] = ()

    def joined(self, other: StepOutcome) -> StepOutcome:
        """One outcome of both; ``other`` is of further customers, and its state and figures do not count."""
        return replace(
            self,
            documents=self.documents | other.documents,
            timers=self.timers | other.timers,
            idle=self.idle + other.idle,
            retired=self.retired + other.retired,
            packed=self.packed | other.packed,
            outgoing=self.outgoing + other.outgoing,
            rows=np.concatenate([self.rows, other.rows]),
            due=np.concatenate([self.due, other.due]),
        )


class OutcomeBuilder:
    """Makes the outcome of a step from the run of the kernel: documents, timers, records to publish, figures.

    ``published``: with which emissions the document of their customer is published; none: never, else with every
    change of stage, too.
    """

    def __init__(
        self,
        partition: int,
        input_topics: Sequence[str],
        rules: Rules,
        topics: Topics,
        money: Money,
        published: Collection[EmissionKind],
    ) -> None:
        self._partition = partition
        self._input_topics = input_topics
        self._rules = rules
        self._topics = topics
        self._money = money
        self._published = [int(kind) for kind in published]

    def write(self, make: Callable[[], Run], customers: Sequence[str], cached: Cached, scorer: Scorer) -> WrittenRun:
        """Make the run of ``customers`` and the texts of their documents; any thread may call it. Raises as ``make``.

        ``cached``: what the cache has of them beside their profiles.
        """
        run = make()
        known, run, rows = run.without_strangers(customers)
        ids = quoted(known)
        return WrittenRun(run, known, cached.at(rows), ids, self._documents(ids, run, scorer))

    def build(
        self,
        state: PartitionState,
        written: WrittenRun | None,
        scorer: Scorer,
        now_ms: int,
        rejections: Sequence[tuple[int, object, Rejection]],
        appended_at_ms: Mapping[int, int] = MappingProxyType({}),
        *,
        tells_all: bool = False,
    ) -> StepOutcome:
        """Make the outcome of what was ``written`` (None: no customer took part), and count it in ``state``.

        ``rejections``: input, record, why. ``appended_at_ms``: of the events that caused an alert, by event id.
        ``tells_all``: the documents of all customers are published.
        """
        # what cannot be read is known before what is too late, and that before what cannot be processed
        in_order = sorted(rejections, key=_place)
        outgoing = [self._dead_letter(source, record, rejection, now_ms) for source, record, rejection in in_order]
        state.counters.dead_letters += len(rejections)
        rejected = [(source, rejection.reason) for source, _, rejection in in_order]
        if written is None:
            return StepOutcome(state, {}, {}, [], [], {}, outgoing, rejected=rejected)
        run, customers, documents = written.run, written.customers, written.documents
        count_emissions(state.counters, run.emissions)
        state.counters.stage_changes += len(run.stage_changes)
        outgoing += publishable(
            run.emissions, customers, scorer, self._rules, self._topics, now_ms, appended_at_ms, self._money
        )
        outgoing += changes_of_stage(run.stage_changes, customers, written.ids, self._topics.stages, now_ms)
        outgoing += self._public_documents(run, customers, documents, tells_all=tells_all)
        timers, idle = changed_timers(written)
        return StepOutcome(
            state=state,
            documents=dict(zip(customers, documents, strict=True)),
            timers=timers,
            idle=idle,
            retired=[customers[row] for row in np.flatnonzero(run.standing["due"] >= NO_TIMER).tolist()],
            packed=dict(zip(customers, run.packed(), strict=True)),
            outgoing=outgoing,
            rows=written.cached.rows,
            due=run.standing["due"],
            fired=run.fired,
            rejected=rejected,
            alerts=_alerts(run.emissions, self._rules.raise_at),
            raised_risks=_raised_risks(run.emissions),
            suppressed=run.suppressed,
            segment_changes=int(np.count_nonzero(run.emissions["kind"] == EmissionKind.SEGMENT)),
            stage_changes=_by_stage(run.stage_changes),
        )

    def tombstone(self, customer: str) -> Outgoing:
        """The record that takes a customer out of the compacted topic."""
        return Outgoing(self._topics.customers, customer.encode(), None, [])

    def _documents(self, ids: Fragments, run: Run, scorer: Scorer) -> Sequence[bytes]:
        return document.build(ids, run, scorer, self._rules)

    def _public_documents(
        self, run: Run, customers: Sequence[str], documents: Sequence[bytes], *, tells_all: bool
    ) -> list[Outgoing]:
        """Documents of the customers with an emission that publishes them, or another stage, each once; or of all."""
        if not self._published:
            return []
        told = np.isin(run.emissions["kind"], self._published)
        changed = np.union1d(run.emissions["row"][told], run.stage_changes["row"])
        rows = range(len(customers)) if tells_all else changed.tolist()
        topic = self._topics.customers
        return [
            Outgoing(topic, customers[row].encode(), document.public(documents[row]), PUBLIC_HEADERS) for row in rows
        ]

    def _dead_letter(self, source: int, record: object, rejection: Rejection, now_ms: int) -> Outgoing:
        letter = dead_letter(
            record,  # type: ignore[arg-type]  # the aligner carries records opaquely
            rejection,
            topic=self._input_topics[source],
            partition=self._partition,
            at_ms=now_ms,
        )
        return Outgoing(self._topics.dead_letters, letter.key, letter.value, letter.headers)


def changed_timers(written: WrittenRun) -> tuple[dict[str, int], list[str]]:
    """Timers that are not as they are stored: when those are due that are set, and the customers whose timer goes."""
    customers, due = written.customers, np.minimum(written.run.standing["due"], NO_TIMER)
    has_timer, is_news = due < NO_TIMER, due != written.cached.due
    set_anew, gone = np.flatnonzero(has_timer & is_news), np.flatnonzero(is_news & ~has_timer)
    timers = dict(zip(map(customers.__getitem__, set_anew.tolist()), due[set_anew].tolist(), strict=True))
    return timers, [customers[row] for row in gone.tolist()]


def appended_at_ms(events: npt.NDArray[np.void], emissions: npt.NDArray[np.void]) -> dict[int, int]:
    """When those of ``events`` (EVENT) that caused an alert were appended to their topics, by event id."""
    alerted = np.isin(emissions["kind"], ALERTS)
    if not alerted.any():
        return {}
    event_ids = np.unique(emissions["event_id"][alerted])
    causing = events[np.flatnonzero(np.isin(events["event_id"], event_ids[event_ids != 0]))]
    return dict(zip(causing["event_id"].tolist(), causing["appended"].tolist(), strict=True))


def _place(rejection: tuple[int, Any, Rejection]) -> tuple[int, int]:
    source, record, _ = rejection
    return source, record.offset


def _raised_risks(emissions: npt.NDArray[np.void]) -> list[tuple[str, float]]:
    raised = emissions[emissions["kind"] == EmissionKind.RAISED]
    causes = [EmissionCause(cause).name.lower() for cause in raised["cause"].tolist()]
    return list(zip(causes, raised["risk"].tolist(), strict=True))


def _alerts(emissions: npt.NDArray[np.void], raise_at: float) -> Counter[tuple[str, str, str]]:
    return Counter(
        (
            kind.name.lower(),
            EmissionCause(cause).name.lower(),
            severity_of(risk, raise_at, raised=kind is EmissionKind.RAISED).value,
        )
        for kind in ALERTS
        for cause, risk in emissions[["cause", "risk"]][emissions["kind"] == kind].tolist()
    )


def _by_stage(changes: npt.NDArray[np.void]) -> dict[str, int]:
    counts = np.bincount(changes["stage"], minlength=len(Stage)).tolist()
    return {stage.code: counts[stage] for stage in Stage if counts[stage]}


def count_emissions(counters: Counters, emissions: npt.NDArray[np.void]) -> None:
    """Count what a run emitted."""
    kinds = np.bincount(emissions["kind"], minlength=len(EmissionKind)).tolist()
    counters.landmarks += kinds[EmissionKind.LANDMARK]
    counters.labels += kinds[EmissionKind.LABEL]
    counters.alerts_raised += kinds[EmissionKind.RAISED]
    counters.alerts_cleared += kinds[EmissionKind.CLEARED]
    counters.winbacks += kinds[EmissionKind.WINBACK]
    counters.segment_changes += kinds[EmissionKind.SEGMENT]
    causes = np.bincount(emissions["cause"][emissions["kind"] == EmissionKind.RAISED], minlength=len(EmissionCause))
    counters.raised_by_event += int(causes[EmissionCause.EVENT])
    counters.raised_by_silence += int(causes[EmissionCause.SILENCE])
    counters.raised_by_model += int(causes[EmissionCause.MODEL])
