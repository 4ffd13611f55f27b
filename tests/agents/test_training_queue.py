"""Few examples are in memory, however many wait in the log, and they stay in order."""

from typing import Any, cast

import pytest

from stream.agents.training_queue import AT_ONCE, GapError, TrainingQueue, check_gapless
from stream.local.redis import EmbeddedRedis
from stream.online_models.example import encode_example
from tests.agents.rig import until
from tests.agents.training import EXAMPLES, FETCHED, TOPIC, BatchOfExamples, TrainerBench, TrainingLog, folded, play
from tests.oracle.record import Record


def batch_of(log: TrainingLog, start: int, count: int = 1000) -> Any:
    records = [Record(None, b"", 0, start + k) for k in range(count)]
    return cast("Any", BatchOfExamples(records, log, log.lease, start, start + count))


def queue_over(log: TrainingLog) -> TrainingQueue:
    return TrainingQueue(cast("Any", log), TOPIC)


def test_while_the_trainer_waits_the_log_is_not_read_any_further(redis_server: EmbeddedRedis, namespace: str) -> None:
    why = ["consents are being read"]

    async def unread() -> str:
        return why[0]

    async def scenario(bench: TrainerBench) -> None:
        trainer = await bench.start(unread=unread)
        await until(lambda: bench.topic.is_held, "enough examples wait")
        assert AT_ONCE <= bench.topic.position < AT_ONCE + FETCHED
        assert trainer.buffered == bench.topic.position
        why[0] = ""
        await until(bench.all_learned, "everything is learned", 60.0)
        await bench.end()
        # what is learned at once, beside what waits meanwhile
        assert bench.topic.most_fetched < 2 * (AT_ONCE + FETCHED)
        assert trainer.buffered == 0
        assert await bench.store().snapshot() == folded(EXAMPLES)

    values = [encode_example(example) for example in EXAMPLES]
    play(redis_server, namespace, scenario, [*values * (3 * AT_ONCE // len(values)), *values])


def test_what_waits_is_taken_in_order_and_then_the_log_is_read_again() -> None:
    log = TrainingLog([])
    queue = queue_over(log)
    for start in range(0, AT_ONCE + 2000, 1000):
        queue.add(batch_of(log, start))
    assert log.is_held
    taken = queue.take()
    assert [batch.start_offset for batch in taken] == [*range(0, AT_ONCE, 1000)]
    assert (log.is_held, queue.records) == (False, 2000)
    assert [batch.start_offset for batch in queue.take()] == [AT_ONCE, AT_ONCE + 1000]
    assert not queue


def test_batches_of_a_lease_that_has_ended_are_left_out_and_a_hold_is_made_again_in_the_next() -> None:
    log = TrainingLog([])
    queue = queue_over(log)
    for start in range(0, AT_ONCE, 1000):
        queue.add(batch_of(log, start))
    log.begin(0)  # the hold ends with its lease
    current = batch_of(log, 0)
    queue.add(current)
    assert log.is_held
    assert queue.take() == [current]
    assert not log.is_held


def test_what_is_forgotten_holds_nothing_back() -> None:
    log = TrainingLog([])
    queue = queue_over(log)
    queue.add(batch_of(log, 0, AT_ONCE))
    queue.clear()
    assert (log.is_held, queue.records, queue.take()) == (False, 0, [])


def test_a_batch_that_is_missing_is_noticed() -> None:
    log = TrainingLog([])
    check_gapless([batch_of(log, 0), batch_of(log, 1000)], 500)
    with pytest.raises(GapError, match="from offset 1000 to 2000"):
        check_gapless([batch_of(log, 0), batch_of(log, 2000)], 0)
