"""Groups of workers on a real broker: shared partitions, and topics that do not fit together."""

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.agents.transport.conftest import Process, TransportGroup

# longer than the deadlines of a test together
pytestmark = pytest.mark.timeout(300)


def test_two_workers_share_partitions_aligned_and_hand_them_over_without_loss_or_repetition(
    kafka_field: "TransportGroup",
) -> None:
    partitions, records = 4, 2_000
    topics = [kafka_field.topic(name, partitions, records) for name in ("click", "email", "purchase")]
    examples = kafka_field.topic("examples", 1, records)
    tps = [(topic, partition) for topic in topics for partition in range(partitions)] + [(examples, 0)]

    def start(name: str) -> "Process":
        return kafka_field.start(
            name, topics=topics, singles=[examples], pace_s=0.02, options={"batch_max_records": 100}
        )

    def shares() -> dict[str, list[list[Any]]]:
        return {entry["worker"]: entry["tps"] for entry in kafka_field.entries("assigned")}

    def keep_busy() -> None:
        nonlocal records
        if kafka_field.journaled() > (records - 1_000) * len(tps):
            for topic, partition in tps:
                kafka_field.produce(topic, partition, 1_000, start=records)
            records += 1_000

    def both_have_a_share() -> bool:
        keep_busy()
        return sorted(map(len, shares().values())) == [6, 7]

    def is_busy(worker: str) -> bool:
        keep_busy()
        return len(kafka_field.entries("batch", worker)) > 20

    workers = {"one": start("one")}
    kafka_field.until(lambda: kafka_field.journaled() > 0, "the first worker is busy")
    workers["two"] = start("two")
    kafka_field.until(both_have_a_share, "both have a share")
    assert kafka_field.journaled() < records * len(tps), "the rebalance came while the first worker was busy"

    by_topic = [
        {topic: sorted(partition for of, partition in share if of == topic) for topic in topics}
        for share in shares().values()
    ]
    for share in by_topic:
        assert len({tuple(of_topic) for of_topic in share.values()}) == 1, "aligned"
    clicks = itertools.chain.from_iterable(share[topics[0]] for share in by_topic)
    assert sorted(clicks) == list(range(partitions))
    trainer = next(name for name, share in shares().items() if [examples, 0] in share)

    kafka_field.until(lambda: is_busy(trainer), "the trainer is busy")
    assert workers.pop(trainer).stop()[0] == 0
    kafka_field.until(lambda: kafka_field.journaled() >= records * len(tps), "the other one took over")
    kafka_field.until(lambda: kafka_field.committed(*tps) == [records] * len(tps), "all is committed")
    for topic, partition in tps:
        kafka_field.assert_covered_once(topic, partition, records)


def test_topics_of_unequal_partition_counts_end_the_worker_with_a_message(kafka_field: "TransportGroup") -> None:
    topics = [kafka_field.topic("click", 2), kafka_field.topic("email", 3)]
    worker = kafka_field.start(topics=topics)

    assert worker.wait() != 0
    assert "TopologyError: expected equal partition counts" in worker.log.replace("stream.errors.", "")
    assert f"{topics[0]}: 2, {topics[1]}: 3" in worker.log
    assert kafka_field.entries("assigned") == []


def test_nothing_is_lost_when_an_assignment_is_overtaken_by_the_next(kafka_field: "TransportGroup") -> None:
    records = 2_000
    topic = kafka_field.topic("click", 1, records)
    worker = kafka_field.start(topics=[topic], scenario="overtake", pace_s=0.1, options={"batch_max_records": 100})
    kafka_field.until(lambda: kafka_field.ranges(topic, 0)[-1:] == [(records - 100, records)], "the end is read")
    worker.stop()

    assert len(kafka_field.entries("assigned")) == 1, "only the second one counts"
    kafka_field.assert_covered_once(topic, 0, records)
