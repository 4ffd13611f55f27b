"""Workers on a real broker: deliveries, commits, and how they end."""

import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stream.local.broker import EmbeddedBroker

if TYPE_CHECKING:
    from tests.agents.transport.conftest import TransportGroup

# longer than the deadlines of a test together
pytestmark = pytest.mark.timeout(300)

RECORDS = 40_000
PARTITIONS = 2


def test_every_record_comes_once_and_commits_reach_the_end_whatever_the_order_of_acks(
    kafka_field: "TransportGroup", capsys: pytest.CaptureFixture[str]
) -> None:
    topics = [kafka_field.topic(name, PARTITIONS, RECORDS) for name in ("click", "email")]
    plain = kafka_field.topic("plain", 1, 1_000)
    tps = [(topic, partition) for topic in topics for partition in range(PARTITIONS)]
    worker = kafka_field.start(topics=topics, plain=[plain], mode="ack_later")
    kafka_field.until(lambda: kafka_field.journaled() >= RECORDS * len(tps), "all batches journaled")
    kafka_field.until(
        lambda: kafka_field.committed(*tps, (plain, 0)) == [RECORDS] * len(tps) + [1_000], "all is committed"
    )
    status, _ = worker.stop()

    assert status == 0
    for topic, partition in tps:
        kafka_field.assert_covered_once(topic, partition, RECORDS)
    records = kafka_field.entries("record")
    assert [record["offset"] for record in records] == list(range(1_000))
    assert all(record["faithful"] for record in records)

    batches = kafka_field.entries("batch")
    ends = {tuple(tp): [i for i, batch in enumerate(batches) if batch["tp"] == list(tp)][-1] for tp in tps}
    started = {tuple(batch["tp"]) for batch in batches[: min(ends.values())]}
    assert started == set(tps), "a partition waited until another one was at its end"
    seconds = batches[-1]["at_s"] - kafka_field.entries("assigned")[0]["at_s"]
    with capsys.disabled():
        print(  # noqa: T201  # a figure to look at, not to assert
            f"\n  {RECORDS * len(tps) / seconds:,.0f} records/s from the assignment on, journal included"
        )


def test_kill_9_at_any_moment_skips_nothing(kafka_field: "TransportGroup") -> None:
    topics = [kafka_field.topic("click", PARTITIONS, 0)]
    tps = [(topics[0], partition) for partition in range(PARTITIONS)]
    rng = random.Random(7)

    def reached(target: int) -> bool:
        return kafka_field.journaled() >= target

    produced = 0
    for _ in range(3):
        before = kafka_field.journaled()
        for topic, partition in tps:
            kafka_field.produce(topic, partition, 10_000, start=produced)
        produced += 10_000
        worker = kafka_field.start(topics=topics, pace_s=0.005, options={"batch_max_records": 100})
        target = before + rng.randrange(1_000, 15_000)
        kafka_field.until(partial(reached, target), "enough journaled to kill")
        worker.kill()
    worker = kafka_field.start(topics=topics, mode="ack_later")
    kafka_field.until(lambda: kafka_field.journaled() >= produced * len(tps), "all batches journaled")
    kafka_field.until(lambda: kafka_field.committed(*tps) == [produced] * len(tps), "all is committed")

    assert worker.stop()[0] == 0
    for topic, partition in tps:
        kafka_field.assert_covered_once(topic, partition, produced)
    pids = {entry["pid"] for entry in kafka_field.entries("batch")}
    assert len(pids) == 4, "each worker did a part"


@pytest.mark.parametrize("no_cython", ["", "1"], ids=["cython", "pure_python"])
def test_a_failing_agent_never_commits_past_the_batch_it_failed_on(
    kafka_field: "TransportGroup", no_cython: str
) -> None:
    topic = kafka_field.topic("click", 1, 3_000)
    worker = kafka_field.start(
        topics=[topic],
        mode="fail",
        fail_after=2,
        options={"batch_max_records": 500},
        env={"NO_CYTHON": no_cython},
    )
    kafka_field.until(lambda: len(kafka_field.entries("failing")) > 0, "the agent failed")
    kafka_field.until(lambda: kafka_field.committed((topic, 0)) == [1_000], "what was acked is committed")
    worker.stop()

    assert kafka_field.committed((topic, 0)) == [1_000]
    assert kafka_field.entries("failing")[0]["first"] == 1_000


@pytest.mark.parametrize("revoking_s", [0, 600], ids=["owner_lets_go", "owner_hangs"])
def test_a_worker_with_unacked_batches_stops_within_seconds_and_does_not_commit_them(
    kafka_field: "TransportGroup", revoking_s: float
) -> None:
    topic = kafka_field.topic("click", 2, 5_000)
    worker = kafka_field.start(topics=[topic], mode="keep", revoking_s=revoking_s, options={"handover_timeout_s": 1.0})
    kafka_field.until(lambda: kafka_field.journaled() >= 10_000, "all batches received")
    status, _ = worker.stop()

    assert status == 0
    assert kafka_field.committed((topic, 0), (topic, 1)) == [0, 0]
    assert len(kafka_field.entries("revoked")) == 1, "the owner heard of it"
    assert ("on_revoked was cancelled after 1 s" in worker.log) == (revoking_s > 0)


def test_a_worker_stops_within_seconds_when_the_broker_is_gone(kafka_field: "TransportGroup", tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker") as broker:
        kafka_field.bootstrap = broker.bootstrap
        topic = kafka_field.topic("click", 1, 100)
        worker = kafka_field.start(topics=[topic], options={"handover_timeout_s": 1.0})
        kafka_field.until(lambda: kafka_field.journaled() == 100, "the batch is journaled")
        broker.kill()
        kafka_field.until(lambda: "Failed fetch messages" in worker.log, "the worker has noticed")
        worker.stop()  # fails unless the worker ends long before the client gives up a request
