"""How a consumer lets go of partitions, and commits: the half of `consumer.Consumer` that ends what it has begun."""

import asyncio
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

from faust.exceptions import ImproperlyConfigured
from faust.transport.conductor import Conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import TPorTopicSet

from stream.agents.transport.consumer_thread import ConsumerThread
from stream.agents.transport.intake import intake_of
from stream.agents.transport.messages import BatchSchema

__all__ = ["HandingOverConsumer"]


class HandingOverConsumer(driver.Consumer):
    """Hands over before a revocation or a stop, and commits what the ledger says, bounded in time."""

    _thread: ConsumerThread

    def __init__(self, transport: Any, *args: Any, **kwargs: Any) -> None:
        self.intake = intake_of(transport.app)
        self.options = self.intake.options
        self.flow = self.intake.flow
        self._kinds: dict[str, bool] = {}
        self._committed_to: dict[TP, tuple[int | None, int]] = {}
        self._handing_over = asyncio.Lock()
        super().__init__(transport, *args, **kwargs)

    def is_batched(self, topic: str) -> bool:
        """Whether the topic has a `BatchSchema`. Raises ``ImproperlyConfigured`` for what cannot be acked."""
        if topic not in self._kinds:
            conductor = cast("Conductor", self.app.topics)
            channels = conductor._topic_name_index.get(topic, ())  # noqa: SLF001
            kinds = [isinstance(channel.schema, BatchSchema) for channel in channels]
            if any(kinds) and len(kinds) > 1:
                raise ImproperlyConfigured(
                    f"{topic}: expected one agent, of concurrency 1, on a topic with BatchSchema, "
                    f"got {len(kinds)} subscribers: give each agent a topic or an app of its own"
                )
            self._kinds[topic] = any(kinds)
        return self._kinds[topic]

    # -- letting go

    def stop_delivery(self) -> None:
        """Deliver nothing more, nor what is queued; until Faust lets records flow again."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop delivery and hand over; then Faust does its part, unless it stops."""
        self.stop_delivery()
        await self._hand_over(revoked)
        if not self.app.should_stop:
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Not when the app stops: Faust would close the client, from the wrong thread."""
        if not self.app.should_stop:
            await super().on_partitions_assigned(assigned, generation_id)

    async def wait_empty(self) -> None:
        """Let go of everything if the app stops, else commit. Bounded, and batches are never waited for.

        Faust calls it while the agents still run: when it stops, and within `on_partitions_revoked`.
        """
        if self.app.should_stop:
            await self._hand_over(frozenset(self.flow.ledger))
        else:
            await self._settle()

    async def on_stop(self) -> None:
        """Hand over also when ``stream_wait_empty`` is off."""
        await self._hand_over(frozenset(self.flow.ledger))
        await super().on_stop()

    async def commit_and_end_transactions(self) -> None:
        """Commit what is acked; bounded."""
        await self._settle()

    async def _hand_over(self, tps: AbstractSet[TP]) -> None:
        async with self._handing_over:
            ours = frozenset(tp for tp in tps if tp in self.flow.ledger)
            batched = frozenset(tp for tp in ours if self.is_batched(tp.topic))
            if not ours:
                return
            try:
                if batched and not self.app.crashed:
                    await self._tell_owner(batched)
                await self._settle()
            finally:
                for tp in ours:
                    self.flow.close(tp)

    async def _tell_owner(self, revoked: frozenset[TP]) -> None:
        deadline = asyncio.timeout(self.options.handover_timeout_s)
        try:
            async with deadline:
                owner = self.intake.owner
                await (owner.on_lost if self._thread.is_forgotten else owner.on_revoked)(revoked)
        except Exception as error:
            if deadline.expired():
                self.log.exception("on_revoked was cancelled after %g s", self.options.handover_timeout_s)
            else:
                await self.crash(error)  # aiokafka would only log it and go on

    async def _settle(self) -> None:
        """Wait a bounded time for messages of topics without batches, then commit what is acked."""
        deadline = self.loop.time() + self.options.handover_timeout_s
        while self._unacked_messages and self.loop.time() < deadline and not self.should_stop:
            await self._wait_for_ack(timeout=1)
            self._clean_unacked_messages()
        try:
            async with asyncio.timeout(self.options.handover_timeout_s):
                if self._commit_fut is not None:  # it may have begun before the last acks
                    await asyncio.wait({self._commit_fut})
                # Not commit(): that swallows a cancellation, and then waits for ever
                await self.force_commit(start_new_transaction=False)
        except TimeoutError:
            self.log.exception("a commit was given up after %g s", self.options.handover_timeout_s)

    # -- committing

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        enabled = self.app.topics.acks_enabled_for
        return (
            tp
            for tp in self.flow.ledger
            if enabled(tp.topic) and (topics is None or tp in topics or tp.topic in topics)
        )

    def _new_offset(self, tp: TP) -> int | None:
        # Faust's own record of acks, which counts offsets one by one, is not used
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        return self.flow.ledger.committable(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return self._committed_to.get(tp) != (self.flow.ledger.lease(tp), offset)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """The slots cover offsets without records."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        leases = {tp: self.flow.ledger.lease(tp) for tp in offsets}
        committed = await super()._commit(offsets)
        if committed:
            self._committed_to.update({tp: (leases[tp], offset) for tp, offset in offsets.items()})
        return committed
