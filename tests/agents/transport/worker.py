"""A Faust worker for the tests: journals batches as JSON lines, each in one atomic append, and restores them.

Started as ``python worker.py CONFIG``, where CONFIG is a JSON object; see `Config`.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.consumer.fetcher import Fetcher  # type: ignore[import-untyped]
from aiokafka.errors import OffsetOutOfRangeError  # type: ignore[import-untyped]
from faust.types import StreamT

from stream.agents.transport import (
    FAUST_SETTINGS,
    TP,
    BatchSchema,
    PartitionOwner,
    RecordBatch,
    TransportOptions,
    attach,
    batches,
)

FAST = {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4, "broker_commit_interval": 0.3}
UNTIL_S = 40.0
NOT_YET_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Config:
    bootstrap: str
    group: str
    #: Copartitioned topics, one agent for all.
    topics: list[str]
    #: Topics with one agent each.
    singles: list[str] = field(default_factory=list)
    #: Topics without BatchSchema, with one agent each.
    plain: list[str] = field(default_factory=list)
    directory: str
    name: str
    #: What to do with a batch: "ack", "ack_later" (from another task, shuffled), "keep" or "fail".
    mode: str = "ack"
    #: The instance id of a static member.
    instance_id: str | None = None
    #: Seconds to pause after each batch.
    pace_s: float = 0.0
    #: How many batches to ack before failing.
    fail_after: int = 0
    #: "steer" holds and rewinds, see `Worker.steer`; "overtake" has two assignments, see `Worker.overtake`.
    scenario: str = ""
    #: Seconds that the owner takes to give up a partition.
    revoking_s: float = 0.0
    #: The owner's choice when an offset is out of range; by default it raises.
    resume_at: int | None = None
    #: Let the broker answer the first fetch of partition 0 of the first topic with OFFSET_OUT_OF_RANGE.
    broker_refuses: bool = False
    #: Arguments of `TransportOptions`.
    options: dict[str, Any] = field(default_factory=dict)


class Journal(PartitionOwner):
    """State and offsets in one append: a batch is in the journal with its end, or not at all."""

    def __init__(self, config: Config) -> None:
        self.directory = Path(config.directory)
        self.name = config.name
        self.path = self.directory / f"{config.name}.jsonl"
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.resume_at = config.resume_at
        self.revoking_s = config.revoking_s
        self.assigned_hook: Callable[[], None] = lambda: None
        self.restored_hook: Callable[[], None] = lambda: None
        #: Waited for before an assignment counts.
        self.assigning: Callable[[], Awaitable[None]] | None = None

    def write(self, event: str, **fields: Any) -> None:
        entry = {"event": event, "worker": self.name, "pid": os.getpid(), "at_s": time.monotonic(), **fields}
        line = (json.dumps(entry) + "\n").encode()
        if os.write(self._file, line) != len(line):
            raise OSError(f"short write to {self.path}")

    def batch(self, batch: RecordBatch) -> None:
        """Journal the batch. Every record's value is its offset."""
        self.write(
            "batch",
            tp=batch.tp,
            first=batch.first_offset,
            next=batch.next_offset,
            lease=batch.lease,
            faithful=[int(record.value or b"-1") for record in batch]
            == list(range(batch.first_offset, batch.next_offset)),
        )

    async def restore_offsets(self, assigned: frozenset[TP]) -> Mapping[TP, int]:
        stored: dict[TP, int] = {}
        for path in self.directory.glob("*.jsonl"):
            for entry in map(json.loads, path.read_text().splitlines()):
                if entry["event"] in ("batch", "stored"):
                    tp = TP(*entry["tp"])
                    stored[tp] = max(stored.get(tp, entry["next"]), entry["next"])
        self.restored_hook()
        return {tp: offset for tp, offset in stored.items() if tp in assigned}

    async def on_assigned(self, assigned: frozenset[TP]) -> None:
        self.write("assigned", tps=sorted(assigned))
        self.assigned_hook()
        if self.assigning is not None:
            await self.assigning()

    async def on_offset_out_of_range(self, tp: TP, stored: int, earliest: int, latest: int) -> int:
        self.write("out_of_range", tp=tp, stored=stored, earliest=earliest, latest=latest)
        if self.resume_at is None:
            return await super().on_offset_out_of_range(tp, stored, earliest, latest)
        return self.resume_at

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        self.write("revoked", tps=sorted(revoked))
        await asyncio.sleep(self.revoking_s)

    async def on_lost(self, lost: frozenset[TP]) -> None:
        self.write("lost", tps=sorted(lost))
        await super().on_lost(lost)


class Worker:
    """The app and what its agents do."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.journal = Journal(config)
        self.acked = 0
        self.kept: list[RecordBatch] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.app = faust.App(
            config.group,
            broker=f"kafkabatch://{config.bootstrap}",
            web_enabled=False,
            datadir=config.directory,
            **{**FAUST_SETTINGS, **FAST, "consumer_group_instance_id": config.instance_id},
        )
        options = TransportOptions(copartitioned=frozenset(config.topics), **config.options)
        self.intake = attach(self.app, self.journal, options)
        for topics in [config.topics, *([single] for single in config.singles)]:
            self.app.agent(self.app.topic(*topics, schema=BatchSchema()), name="+".join(topics))(self.consume)
        for topic in config.plain:
            plain = self.app.topic(topic, key_serializer="raw", value_serializer="raw")
            self.app.agent(plain, name=topic)(self.consume_plain)
        if config.mode == "ack_later":
            self.app.task(self.ack_later)
        if config.scenario == "steer":
            self.journal.assigned_hook = lambda: self.intake.hold(TP(config.topics[0], 0))
            self.app.task(self.steer)
        if config.scenario == "overtake":
            self.overtake()

    async def consume(self, inbox: StreamT[Any]) -> None:
        async for batch in batches(inbox):
            shut = not self.gate.is_set()
            if self.config.mode == "fail" and self.acked >= self.config.fail_after:
                self.journal.write("failing", tp=batch.tp, first=batch.first_offset)
                raise RuntimeError("the agent fails, as the test wants")
            self.journal.batch(batch)
            if self.config.mode in ("ack", "fail"):
                batch.ack()
                self.acked += 1
            else:
                self.kept.append(batch)
            await asyncio.sleep(self.config.pace_s)
            if shut:
                await self.gate.wait()

    async def consume_plain(self, inbox: StreamT[Any]) -> None:
        async for event in inbox.events():
            tp, offset = event.message.tp, event.message.offset
            self.journal.write("record", tp=tp, offset=offset, faithful=int(event.value) == offset)

    async def ack_later(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            taken, self.kept = self.kept, []
            random.shuffle(taken)
            for batch in taken:
                batch.ack()

    async def steer(self) -> None:
        """Partition 0 of the first topic is held from the start and released; partition 1 is rewound."""
        held, rewound = TP(self.config.topics[0], 0), TP(self.config.topics[0], 1)
        intake, write = self.intake, self.journal.write
        await self.until(lambda: bool(intake.assigned) and self.at_end(intake.assigned - {held}))
        position = intake.position(held)
        write("held", next=position and position.next_offset, received=self.offsets_kept(held))
        intake.release(held)
        await self.until(lambda: bool(self.offsets_kept(held)))
        write("released")
        await self.until(lambda: self.at_end({held}))

        first, *others = [batch for batch in self.kept if batch.tp == rewound]
        write("before_rewind", acks=[first.ack(), first.ack()])
        await intake.rewind({rewound: 1_000})
        write(
            "rewound",
            current=[batch.is_current for batch in others],
            acks=[batch.ack() for batch in others],
            others_current=all(batch.is_current for batch in self.kept if batch.tp != rewound),
        )
        await self.until(lambda: self.at_end({rewound}))

        self.gate.clear()  # the agent takes one more batch, at rest or not; the next ones stay in Faust's queue
        await intake.rewind({rewound: 0})
        await self.until(lambda: self.offsets_kept(rewound)[-1] == 0)
        await self.until(lambda: intake.flow.ledger.unreceived(rewound) > 0)
        await intake.rewind({rewound: 2_500})
        write("rewound_with_full_queue")
        self.gate.set()
        await self.until(lambda: self.at_end({rewound}))
        for batch in self.kept:
            batch.ack()
        write("steered", progress=[intake.progress.polled_at_s, intake.progress.acked_at_s])

    def overtake(self) -> None:
        """The next rebalance begins while the first assignment is restored, and the second takes its time."""
        app: Any = self.app

        def overtaken() -> None:
            self.journal.restored_hook = lambda: None
            app.rebalancing_count += 1
            asyncio.get_running_loop().create_task(next_assignment())

        async def next_assignment() -> None:
            await self.until(lambda: app.consumer.flow_active)  # Faust is done with the first one
            app.tables.recovery.signal_recovery_start.set()

        async def slowly() -> None:
            # nothing may come yet; the time is what a wrong delivery gets
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NOT_YET_S):
                    await self.until(lambda: any(map(self.intake.flow.ledger.unreceived, self.intake.assigned)))

        self.journal.restored_hook = overtaken
        self.journal.assigning = slowly

    def at_end(self, tps: frozenset[TP] | set[TP]) -> bool:
        positions = [self.intake.position(tp) for tp in tps]
        return all(position is not None and position.at_end for position in positions)

    def offsets_kept(self, tp: TP) -> list[int]:
        return [batch.first_offset for batch in self.kept if batch.tp == tp]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(UNTIL_S):
            while not condition():  # noqa: ASYNC110  # the transport has no event for the tests
                await asyncio.sleep(0.005)


def refuse_once(tp: TP) -> None:
    """Make the first fetch of the partition out of range, which the embedded broker never answers by itself."""
    fetched_records = Fetcher.fetched_records
    refused: set[TP] = set()

    async def fetched_or_refused(fetcher: Any, partitions: Any, **limits: Any) -> Any:
        assignment = fetcher._subscriptions.subscription.assignment
        if tp not in refused and tp in partitions and assignment.state_value(tp).has_valid_position:
            refused.add(tp)
            raise OffsetOutOfRangeError({TopicPartition(*tp): assignment.state_value(tp).position})
        return await fetched_records(fetcher, partitions, **limits)

    Fetcher.fetched_records = fetched_or_refused


def main() -> None:
    config = Config(**json.loads(sys.argv[1]))
    if config.broker_refuses:
        refuse_once(TP(config.topics[0], 0))
    app = Worker(config).app
    app.finalize()
    app.Worker(loglevel="INFO", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
