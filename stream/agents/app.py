"""Putting a worker process together: one Faust app, one agent for events, one for training examples."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from stream import metrics
from stream.agents.apps import MAX_DELIVERED, App, new_app, receiver, watched
from stream.agents.consents_read import ConsentsRead
from stream.agents.gauges import Gauges
from stream.agents.health import Health
from stream.agents.kernel_thread import KernelThread
from stream.agents.memory import MemoryTrimming
from stream.agents.models import CurrentModel
from stream.agents.outbox import Outbox
from stream.agents.owner import Owner, PartitionInputs
from stream.agents.partition_worker import PartitionWorker
from stream.agents.projections import ProjectionApp
from stream.agents.publisher import Publisher
from stream.agents.readiness import Readiness
from stream.agents.shop_times import ShopTimes
from stream.agents.trainer import Trainer
from stream.agents.training_queue import TrainingQueue
from stream.agents.transport import BatchSchema, Intake, TransportOptions, attach
from stream.agents.watchdog import Watchdog
from stream.agents.worker_options import WorkerOptions, no_probe
from stream.clock import Clock, SystemClock
from stream.events.decode import Decoder
from stream.features.codec import LAYOUT
from stream.features.registry import DAY_MS
from stream.identity.note_proof import NoteProof
from stream.online_models.horizon import HORIZONS
from stream.online_models.learner_settings import learner_settings_of
from stream.privacy.erasures import Erasures
from stream.processing.emission import ACTED_ON
from stream.processing.kernel import Kernel
from stream.processing.misplaced import PartitionPlacement
from stream.processing.outgoing import Topics
from stream.processing.partition import Partition
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer
from stream.projections.all_projections import projections_of
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.connection import connect
from stream.storage.consent_desk import read_consents
from stream.storage.keys import Keys
from stream.storage.layout import agree_on_layout
from stream.storage.model_store import ModelStore
from stream.storage.partition_store import PartitionStore
from stream.storage.stream_times import read_stream_times

__all__ = ["Assembly", "assemble"]

#: For how much longer than silence and the longest window a retired customer who may come back is remembered.
_TTL_MARGIN = 1.25


class Assembly:
    """The parts of a worker process, wired."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        probe: Callable[[str], None],
        health: Health,
        erasures: Erasures,
    ) -> None:
        self.settings = settings
        self._erasures = erasures
        self._clock = clock
        self._probe = probe
        # a token is never handed out twice, also not to a later process of the same instance id
        self._name = f"{settings.instance_id or 'worker'}-{uuid.uuid4().hex[:12]}"
        self._rules = rules_of(settings)
        self._kernel = Kernel(self._rules)
        self._kernels = KernelThread()
        self._decoder = Decoder.of(settings)
        self._keys = Keys(settings.namespace)
        self._topics = Topics(
            alerts=settings.alerts,
            segment_changes=settings.segment_changes,
            stages=settings.stages,
            dead_letters=settings.dead_letters,
            training_examples=settings.training_examples,
            customers=settings.customers,
        )
        self._money = Writing.of(settings).money
        self._client = connect(settings)
        self.publisher = Publisher(settings)
        self._consents_read = ConsentsRead(settings)
        first = Scorer.first(self._rules.horizon_ms / DAY_MS)
        self.model = CurrentModel(self._model_store(), settings.model_poll_ms / 1000, first)
        read_times = partial(read_stream_times, self._client, self._keys, settings.partitions)
        self._shop_times = ShopTimes(read_times, settings.clock_quiet_s)
        self._training = PartitionInputs(lambda: self.intake, (settings.training_examples,), 0)
        self.owner: Owner[PartitionWorker] = Owner(
            settings.event_topics,
            self._make_worker,
            self._agree_on_layout,
            training_topic=settings.training_examples,
            make_trainer=self._make_trainer,
            on_claimed=self._on_claimed,
        )
        self.app: App = new_app(settings, settings.group, settings.instance_id)
        self.intake: Intake = attach(
            self.app,
            self.owner,
            TransportOptions(
                copartitioned=frozenset(settings.event_topics),
                partitions=settings.partitions,
                batch_max_records=min(settings.batch_max_records, MAX_DELIVERED),
                fetch_max_wait_s=settings.fetch_wait_ms / 1000,
            ),
        )
        self.watchdog = Watchdog(
            self.intake,
            self.owner,
            settings.event_topics,
            stalled_after_s=settings.stalled_after_s,
            redis_answers=self.model.answered,
            broker_answers=self.publisher.answers,
        )
        self.readiness = Readiness(
            health,
            self.intake,
            self.owner,
            self.model,
            settings.event_topics,
            idle=lambda: bool(self.app.unassigned),
            stopping=lambda: self.app.should_stop,
        )
        self.app.from_start = watched(self.readiness.run, "readiness")
        self._add_agents()
        self.projections = [
            ProjectionApp(
                *(projection, settings, self._client, self.publisher, self._name, clock, probe, erasures),
                consents_read=self._consents_read,
            )
            for projection in projections_of(settings)
        ]

    def _add_agents(self) -> None:
        app = self.app
        events = app.topic(*self.settings.event_topics, schema=BatchSchema())
        examples = app.topic(self.settings.training_examples, schema=BatchSchema())
        if self.settings.role != "trainer":
            app.agent(events, name="events")(receiver(self.owner))
        if self.settings.role != "events":
            app.agent(examples, name="trainer")(receiver(self.owner))
        self._background(self.model.run, "model poll")
        self._background(self._shop_times.run, "shop times")
        self._background(self.watchdog.run, "watchdog")
        settings = self.settings
        gauges = Gauges(self.owner, settings.event_topics, self._training, settings.training_examples, self._clock)
        self._background(gauges.run, "gauges")
        trimming = MemoryTrimming(lambda: self.intake.progress.acked_at_s)
        self._background(trimming.run, "memory")

    def _background(self, run: Callable[[], Awaitable[None]], what: str) -> None:
        self.app.task(watched(run, what))

    async def _on_claimed(self) -> None:
        metrics.REBALANCES.inc()
        await self.model.refresh()

    async def _agree_on_layout(self) -> None:
        self._kernel.layout = await agree_on_layout(
            self._client, self._keys, self.settings.partitions, writes_editions=self.settings.follows_identities
        )

    def _make_worker(self, partition: int) -> PartitionWorker:
        settings = self.settings
        # a horizon that follows the shop may become the longest one
        bound_ms = settings.silence_horizons * max(HORIZONS) * DAY_MS if self._rules.follows else 0
        silence_s = (max(self._rules.silence_bound_ms, bound_ms) + 90 * DAY_MS) / 1000
        return PartitionWorker(
            Partition(
                partition,
                self._rules,
                self._kernel,
                self._topics,
                settings.event_topics,
                settings.cache_mb * 1_000_000 // settings.partitions,
                PartitionPlacement(partition, settings.partitions, forward=settings.misplaced_events == "forward"),
                self._money,
                ACTED_ON[settings.publish_customers],
                history_ms=settings.identity_history_days * DAY_MS,
            ),
            PartitionStore(self._client, self._keys, partition, self._name, ttl_s=int(silence_s * _TTL_MARGIN)),
            self._decoder,
            Outbox(self.publisher),
            PartitionInputs(lambda: self.intake, settings.event_topics, partition),
            lambda: self.model.scorer,
            self._clock,
            WorkerOptions(
                clock=settings.clock,
                clock_quiet_s=settings.clock_quiet_s,
                shop_times=self._shop_times.newest,
                rescore=settings.rescore,
                asked=lambda: self.model.asked,
                rest_s=settings.rescore_rest_s,
                is_behind=lambda: any(worker.is_behind for worker in self.owner.workers.values()),
                period_ms=self._rules.landmark_ms,
                step_records=settings.batch_max_records,
                align_wait_s=settings.align_wait_ms / 1000,
                fenced_wait_s=settings.session_timeout_s,
                erasures=self._erasures,
                departures=NoteProof.of(settings) if settings.follows_identities else None,
                kernels=self._kernels,
                partition_count=settings.partitions,
                for_release_before=self._kernel.layout != LAYOUT,
                probe=self._probe,
            ),
        )

    def _model_store(self) -> ModelStore:
        return ModelStore(self._client, self._keys, self._name)

    def _make_trainer(self) -> Trainer:
        settings = self.settings
        return Trainer(
            self._model_store(),
            learner_settings_of(settings),
            TrainingQueue(self._training, settings.training_examples),
            self._clock,
            snapshot_s=settings.snapshot_ms / 1000,
            fenced_wait_s=settings.session_timeout_s,
            publish=not settings.freeze_model,
            for_release_before=self._kernel.layout != LAYOUT,
            consents=partial(read_consents, self._client, settings),
            unread=self._consents_read.unread,
            erasures=self._erasures,
        )

    async def close(self) -> None:
        """Close connections; what is not published is in the outbox."""
        await self.publisher.close()
        self._consents_read.close()
        await self._client.aclose()
        self._kernels.close()


def assemble(
    settings: Settings,
    clock: Clock | None = None,
    probe: Callable[[str], None] = no_probe,
    health: Health | None = None,
    erasures: Erasures | None = None,
) -> Assembly:
    """Wire a worker process under ``settings``; nothing is started yet. Call it on no event loop.

    ``erasures``: who is erased; None: nobody.
    """
    return Assembly(
        settings, clock or SystemClock(), probe, health or Health(settings.stuck_after_s), erasures or Erasures()
    )
