"""The trainer: one task learns the examples of the one training partition, in offset order.

Commit order: checkpoint, offset, ids of what was learned and (when due) the snapshot are written in one script, if no
other trainer has claimed the checkpoint; then the records are acked. After any failure the state is loaded again from
the checkpoint, so the model is always a fold over a prefix of the topic.

River is imported when a trainer runs: it takes a second and 100 MB, which only one worker of many needs, and the
partitions of events need not wait for it.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stream import metrics
from stream.agents.agreeing import LOOK_S, AgreedExamples
from stream.agents.retrying import Retrying
from stream.agents.trainer_gauges import announce, clear, show_alarm, show_figures, show_rhythm, show_standings
from stream.agents.training_queue import GapError, TrainingBatch, TrainingQueue, check_gapless
from stream.agents.waiting import pause, wait_until_set
from stream.agents.worker_options import all_is_read
from stream.clock import Clock
from stream.consent.consented import Consented
from stream.errors import FencedError, StorageError, StreamError
from stream.online_models.example import Example, InvalidExample, Label, decode_example
from stream.online_models.learner_settings import LearnerSettings
from stream.online_models.report import ModelReport, encode_report
from stream.online_models.snapshot import encode_snapshot
from stream.privacy.erasures import Erasures
from stream.storage.horizon_desk import decode_seed
from stream.storage.model_store import Candidate, Checkpoint, ModelStore, Publication

if TYPE_CHECKING:
    from stream.online_models.learner import Learner

__all__ = ["Trainer"]

_LOG = logging.getLogger(__name__)

_LEARNER = "stream.online_models.learner"
_WEEK_MS = 7 * 86_400_000
#: Examples learned at a stretch, some 5 ms: steps of partitions and answers of servers wait for its end.
_STRETCH = 100
#: How often it is looked whether somebody is to be erased (s).
_LOOK_S = 1.0


class Trainer:
    """Learns batches in the order in which they are delivered; saves, publishes and acks every ``snapshot_s``.

    ``queue``: of this trainer alone; where batches wait. Without ``publish`` the snapshot that scorers read stays
    as it is, unless an operator decides otherwise. ``consents`` tells what customers have agreed to, and ``unread``
    why that is not known yet. ``for_release_before``: a trainer of the release before can go on from what this one
    saves (``docs/upgrading.md``). ``erasures``: who is erased; nothing more is learned of them.
    """

    def __init__(
        self,
        store: ModelStore,
        settings: LearnerSettings,
        queue: TrainingQueue,
        clock: Clock,
        *,
        snapshot_s: float,
        fenced_wait_s: float = 10.0,
        publish: bool = True,
        for_release_before: bool = False,
        consents: Callable[[Sequence[str]], Awaitable[Consented]],
        unread: Callable[[], Awaitable[str]] = all_is_read,
        erasures: Erasures | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._queue = queue
        self._clock = clock
        self._snapshot_s = snapshot_s
        self._fenced_wait_s = fenced_wait_s
        self._publish = publish
        self._for_release_before = for_release_before
        self._agreed = AgreedExamples(consents, unread, clock)
        self._erasures = erasures or Erasures()
        self._wake = asyncio.Event()
        self._retrying = Retrying()
        self._saved_at_s = float("-inf")
        self._stopping = False
        self._learner: Learner
        self._begin(Checkpoint(None, 0))

    async def claim(self) -> int:
        """Become the trainer of an assignment; return the offset of the next example. Others call it once."""
        checkpoint = await self._store.claim()
        self._begin(checkpoint)
        return checkpoint.offset

    @property
    def buffered(self) -> int:
        """Examples that were received and are not part of a checkpoint yet."""
        return self._queue.records + len(self._appended_at_ms)

    def deliver(self, batch: TrainingBatch) -> None:
        """Queue a fetched batch."""
        self._queue.add(batch)
        self._wake.set()

    async def run(self) -> None:
        """Learn until `stop`; what was learned since the last save is forgotten, and learned again elsewhere."""
        while not self._stopping:
            try:
                await self._turn()
            except (StorageError, GapError) as error:
                await self._recover(error)

    def stop(self) -> None:
        """End `run` soon."""
        self._stopping = True
        clear()  # from now on the next trainer shows them
        self._wake.set()

    def _begin(self, checkpoint: Checkpoint) -> None:
        decode_seed(checkpoint.seed)  # a damaged one is found at once
        self._checkpoint: Checkpoint | None = checkpoint
        self._offset = checkpoint.offset
        self._unsaved: list[TrainingBatch] = []
        self._appended_at_ms: list[int] = []
        self._unsaved_ids: dict[str, int] = {}
        self._queue.clear()
        self._forgotten_up_to, self._has_forgotten = 0, False

    async def _open(self, checkpoint: Checkpoint) -> None:
        """Make the learner of what was claimed."""
        learner: type[Learner] = (await asyncio.to_thread(importlib.import_module, _LEARNER)).Learner
        if checkpoint.learner is None:
            # an import may have left it since, before the first event
            seed = decode_seed(await self._store.seed())
            self._learner = learner(replace(self._settings, seed=seed), show_alarm, announce)
        else:
            self._learner = learner.load(checkpoint.learner, self._settings, show_alarm, announce)
            for note in self._learner.notes:
                _LOG.warning("the checkpoint of the models: %s", note)
        self._checkpoint = None

    async def _turn(self) -> None:
        if self._checkpoint is not None:
            if self._checkpoint.learner is None and not self._queue:
                await wait_until_set(self._wake, _LOOK_S)
            else:
                await self._open(self._checkpoint)
            return
        self._forget_erased()
        due_in_s = self._saved_at_s + self._snapshot_s - asyncio.get_running_loop().time()
        has_news = bool(self._unsaved) or self._has_forgotten
        if has_news and due_in_s <= 0.0:
            await self._save()
        elif not self._queue:
            await wait_until_set(self._wake, min(due_in_s, _LOOK_S) if has_news else _LOOK_S)
        elif await self._agreed.must_wait():
            await pause(LOOK_S, self._wake, lambda: self._stopping)
        elif batches := self._queue.take():
            await self._learn(batches)

    def _forget_erased(self) -> None:
        """Take whom requests name out of what is kept of single customers; it is stored with the next save."""
        if (position := self._erasures.position) > self._forgotten_up_to:
            self._has_forgotten |= self._learner.forget(self._erasures.wanted(self._forgotten_up_to).ids)
            self._forgotten_up_to = position

    async def _learn(self, batches: list[TrainingBatch]) -> None:
        check_gapless(batches, self._offset)
        fresh = await self._fresh(
            [
                decode_example(record.value or b"")
                for batch in batches
                for record in batch.records
                if not self._erasures.refuses((record.key or b"").decode(errors="replace"), record.timestamp)
            ]
        )
        for start in range(0, len(fresh), _STRETCH):
            for example in fresh[start : start + _STRETCH]:
                self._learner.learn_checked(example)
                self._unsaved_ids[example.example_id] = example.at_ms // _WEEK_MS
                if isinstance(example, Label):
                    metrics.LABELS.labels(str(example.churned).lower()).inc()
            await asyncio.sleep(0)
            if self._stopping:
                return
        self._offset = batches[-1].next_offset
        self._unsaved += batches
        for batch in batches:
            self._appended_at_ms += [record.timestamp for record in batch.records]
            batch.keep(())

    async def _fresh(self, examples: list[Example | InvalidExample]) -> list[Example]:
        """Drop what cannot be learned, and what has been: the outbox may send an example twice."""
        valid: dict[str, Example] = {}
        for example in examples:
            if isinstance(example, InvalidExample):
                metrics.EXAMPLES_REFUSED.labels(example.problem.value).inc()
                _LOG.warning("a training example is refused: %s", example.problem.value)
            elif example.example_id not in self._unsaved_ids:
                valid.setdefault(example.example_id, example)
        weeks = {example_id: example.at_ms // _WEEK_MS for example_id, example in valid.items()}
        unlearned = await self._store.unlearned(_by_week(weeks))
        return await self._agreed.of([example for example_id, example in valid.items() if example_id in unlearned])

    async def _save(self) -> None:
        publication = self._publication()
        learner = self._learner.dump(for_release_before=self._for_release_before)
        await self._store.save(Checkpoint(learner, self._offset), _by_week(self._unsaved_ids), publication)
        self._retrying.succeeded()
        self._saved_at_s = asyncio.get_running_loop().time()
        self._observe_save()
        for batch in self._unsaved:
            batch.ack()
        self._unsaved, self._unsaved_ids, self._has_forgotten = [], {}, False
        self._appended_at_ms = []
        show_figures(self._learner.figures())
        show_standings(self._learner.standings())
        show_rhythm(self._learner.rhythm())

    def _publication(self) -> Publication:
        now_ms, learner = self._clock.now_ms(), self._learner
        snapshots = {name: learner.snapshot(now_ms, name) for name in learner.contenders()}
        report = ModelReport(
            created_at_ms=now_ms,
            labels=learner.labels_seen,
            standings=learner.standings(),
            versions=tuple(snapshot.churn.version for snapshot in snapshots.values()),
        )
        return Publication(
            champion=learner.champion,
            candidates={
                name: Candidate(snapshot.churn.version, encode_snapshot(snapshot))
                for name, snapshot in snapshots.items()
            },
            report=encode_report(report),
            at_ms=now_ms,
            in_use=self._publish,
        )

    def _observe_save(self) -> None:
        now_ms = self._clock.now_ms()
        metrics.CHECKPOINT_SAVED.set(now_ms / 1000)
        metrics.LEARNING_DELAY.observe([(now_ms - at_ms) / 1000 for at_ms in self._appended_at_ms])

    async def _recover(self, error: StreamError) -> None:
        _LOG.warning("the trainer returns to its checkpoint: %s", error)
        superseded = isinstance(error, FencedError) and error.superseded
        retry_s = self._fenced_wait_s if superseded else self._retrying.wait_s()
        while True:
            await pause(retry_s, self._wake, lambda: self._stopping)
            if self._stopping:
                return
            try:
                offset = await self.claim()
            except StorageError as failure:
                retry_s = self._retrying.wait_s()
                _LOG.warning("%s; retrying in %.1f s", failure, retry_s)
            else:
                await self._queue.rewind(offset)
                return


def _by_week(weeks: Mapping[str, int]) -> dict[int, list[str]]:
    """Ids by the week of their landmark."""
    ids: dict[int, list[str]] = {}
    for example_id, week in weeks.items():
        ids.setdefault(week, []).append(example_id)
    return ids
