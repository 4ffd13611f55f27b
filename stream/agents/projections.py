"""Putting the projections of a worker process together: a Faust app and a consumer group for each.

A projection has positions of its own in the log: it may be new, be built again, or lag, and the core does not wait for
it. A consumer has one position in a partition, so each projection has a consumer, and with it a group and an app. All
of them run on one event loop, on the transport of the core.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from stream import metrics
from stream.agents.apps import MAX_DELIVERED, App, new_app, receiver, watched
from stream.agents.consents_read import ConsentsRead
from stream.agents.health import Health, HealthReport
from stream.agents.outbox import Outbox
from stream.agents.owner import Owner, PartitionInputs
from stream.agents.projection_worker import ProjectionWorker
from stream.agents.publisher import Publisher
from stream.agents.readiness import Backlog
from stream.agents.transport import TP, BatchSchema, Intake, TransportOptions, attach
from stream.agents.watchdog import Watchdog
from stream.agents.worker_options import WorkerOptions, no_probe
from stream.clock import Clock, SystemClock
from stream.errors import StorageError, TopologyError
from stream.identity.note_proof import NoteProof
from stream.privacy.erasures import Erasures
from stream.projections.all_projections import projections_of
from stream.projections.folding import FoldingPartition, ProjectionTopics
from stream.projections.protocol import Expiring, Projection
from stream.settings import Settings
from stream.storage.connection import Client, connect
from stream.storage.consent_desk import read_consents
from stream.storage.keys import Keys
from stream.storage.layout import agree_on_layout
from stream.storage.projection_store import ProjectionStore, present_generation

__all__ = ["ProjectionApp", "assemble_projections"]

_LOG = logging.getLogger(__name__)

#: Records of a step: with more, the event loop would come late to heartbeats while a fold runs.
_STEP_RECORDS = 10_000
#: States kept in memory for each megabyte of the profiles: a quarter, for there are many projections.
_STATE_BYTES_PER_MB = 250_000
_EVERY_S = 1.0
#: Without an answer for so long Redis counts as away.
_SILENT_S = 5.0


class ProjectionApp:
    """The parts of one projection in this process, wired; ``app`` is what a Faust worker runs."""

    def __init__(
        self,
        projection: Projection[Any],
        settings: Settings,
        client: Client,
        publisher: Publisher,
        name: str,
        clock: Clock,
        probe: Callable[[str], None],
        erasures: Erasures,
        *,
        consents_read: ConsentsRead,
    ) -> None:
        self.projection = projection
        self._erasures = erasures
        self._settings = settings
        self._client = client
        self._keys = Keys(settings.namespace)
        self._publisher = publisher
        self._name = name
        self._clock = clock
        self._probe = probe
        self._consents_read = consents_read
        self._answered_at_s: float | None = None
        self.topics = tuple(source.topic for source in projection.inputs)
        self.owner: Owner[ProjectionWorker] = Owner(
            self.topics, self._make_worker, partial(agree_on_layout, client, self._keys, settings.partitions)
        )
        of_group = f"{settings.instance_id}-{projection.name}" if settings.instance_id else ""
        self.app: App = new_app(settings, f"{settings.group}-{projection.name}", of_group)
        self.intake: Intake = attach(
            self.app,
            self.owner,
            TransportOptions(
                copartitioned=frozenset(self.topics),
                partitions=settings.partitions,
                batch_max_records=min(settings.batch_max_records, MAX_DELIVERED),
                fetch_max_wait_s=settings.fetch_wait_ms / 1000,
            ),
        )
        self._backlog = Backlog(self.intake)
        self._watchdog = Watchdog(
            self.intake,
            self.owner,
            self.topics,
            stalled_after_s=settings.stalled_after_s,
            redis_answers=self._redis_answers,
            broker_answers=publisher.answers,
        )
        self.app.from_start = watched(self._observe, f"gauges of {projection.name}")
        self.app.agent(self.app.topic(*self.topics, schema=BatchSchema()), name=projection.name)(receiver(self.owner))
        self.app.task(watched(self._watchdog.run, f"watchdog of {projection.name}"))

    def reasons(self) -> list[str]:
        """What speaks against being ready."""
        name = self.projection.name
        try:
            assigned = self.intake.assigned
        except TopologyError:  # the consumer is not made yet
            assigned = frozenset()
        if not assigned and not self.app.unassigned:
            return [f"projection {name} has no partitions yet"]
        behind = sorted({tp.partition for tp in assigned if not self._caught_up(tp)})
        return [f"partitions {behind} of projection {name} have not caught up with the log yet"] if behind else []

    def _caught_up(self, tp: TP) -> bool:
        worker = self.owner.workers.get(tp.partition)
        if worker is None or worker.recovering:
            return False
        stored = worker.partition.state.offsets.get(tp.topic, 0)
        return self._backlog.caught_up(tp, stored, worker.buffered(self.topics.index(tp.topic)))

    def _make_worker(self, partition: int) -> ProjectionWorker:
        settings, projection = self._settings, self.projection
        keep_s = projection.keep_s if isinstance(projection, Expiring) else None
        cached = settings.cache_mb * _STATE_BYTES_PER_MB // settings.partitions if keep_s is None else 0
        return ProjectionWorker(
            FoldingPartition(
                projection,
                partition,
                ProjectionTopics(settings.dead_letters, settings.alerts),
                cached,
                self._erasures,
                NoteProof.of(settings) if settings.follows_identities else None,
            ),
            ProjectionStore(
                self._client,
                self._keys,
                projection.name,
                projection.version,
                partition,
                self._name,
                keep_s=keep_s,
            ),
            Outbox(self._publisher),
            PartitionInputs(lambda: self.intake, self.topics, partition),
            self._clock,
            WorkerOptions(
                clock=settings.clock,
                step_records=min(settings.batch_max_records, _STEP_RECORDS),
                fenced_wait_s=settings.session_timeout_s,
                erasures=self._erasures,
                consents=partial(read_consents, self._client, settings),
                unread=self._consents_read.unread,
                partition_count=settings.partitions,
                probe=lambda point: self._probe(f"projection {point}"),
            ),
        )

    async def _observe(self) -> None:
        """Show lag and outbox, and ask Redis whether it is there, for ever."""
        name = self.projection.name
        while True:
            workers = list(self.owner.workers.values())
            for source, topic in enumerate(self.topics):
                unread = sum((worker.inputs.lag(source) or 0) + worker.buffered(source) for worker in workers)
                metrics.PROJECTION_LAG.labels(name, topic).set(unread)
            metrics.PROJECTION_OUTBOX.labels(name).set(sum(worker.outbox.depth for worker in workers))
            try:
                await present_generation(self._client, self._keys, name, self.projection.version)
            except StorageError as error:
                _LOG.debug("Redis does not answer: %s", error)  # told where work needs the store
            else:
                self._answered_at_s = time.monotonic()
            await asyncio.sleep(_EVERY_S)

    def _redis_answers(self) -> bool:
        return self._answered_at_s is not None and time.monotonic() - self._answered_at_s < _SILENT_S


def assemble_projections(
    settings: Settings,
    clock: Clock | None = None,
    probe: Callable[[str], None] = no_probe,
    health: Health | None = None,
    erasures: Erasures | None = None,
) -> list[ProjectionApp]:
    """Wire a process that runs nothing but projections; nothing is started yet. Raises `SettingsError`.

    ``erasures``: who is erased; None: nobody.
    """
    client, publisher = connect(settings), Publisher(settings)
    name = f"{settings.instance_id or 'projections'}-{uuid.uuid4().hex[:12]}"
    consents_read = ConsentsRead(settings)
    parts = settings, client, publisher, name, clock or SystemClock(), probe, erasures or Erasures()
    apps = [ProjectionApp(projection, *parts, consents_read=consents_read) for projection in projections_of(settings)]
    if health is not None:
        apps[0].app.task(watched(partial(_report, apps, health), "readiness"))
    return apps


async def _report(apps: Sequence[ProjectionApp], health: Health) -> NoReturn:
    """Tell an orchestrator how the projections of this process are."""
    while True:
        reasons = [reason for app in apps for reason in app.reasons()]
        partitions = sum(len(app.owner.workers) for app in apps)
        health.report(HealthReport(reasons, {"partitions": partitions}))
        await asyncio.sleep(_EVERY_S / 2)
