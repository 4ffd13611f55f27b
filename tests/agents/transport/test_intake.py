"""Holds, rewinds, positions and lost offsets, in a worker on a real broker."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.agents.transport.conftest import TransportGroup

# longer than the deadlines of a test together
pytestmark = pytest.mark.timeout(300)

RECORDS = 5_000


def test_a_worker_holds_releases_and_rewinds_partitions(kafka_field: "TransportGroup") -> None:
    click = kafka_field.topic("click", 2, RECORDS)
    email = kafka_field.topic("email", 2, {0: RECORDS})  # partition 1 is empty: it is at its end too
    # longer than any wait, so a request for a turn of the fetch loop must wake it
    options = {"batch_max_records": 500, "poll_s": 600.0}
    worker = kafka_field.start(topics=[click, email], mode="keep", scenario="steer", options=options)
    kafka_field.until(lambda: len(kafka_field.entries("steered")) > 0 or worker.process.poll() is not None, "steered")
    assert worker.process.poll() is None, worker.log[-3_000:]

    (held,) = kafka_field.entries("held")
    assert (held["next"], held["received"]) == (0, [])
    assert len(kafka_field.entries("released")) == 1, "a release is noticed at once"

    (before,) = kafka_field.entries("before_rewind")
    assert before["acks"] == [True, False]
    (rewound,) = kafka_field.entries("rewound")
    assert rewound["others_current"]
    assert len(rewound["current"]) == RECORDS // 500 - 1
    assert not any(rewound["current"])
    assert not any(rewound["acks"])

    batches = [entry for entry in kafka_field.entries("batch") if entry["tp"] == [click, 1]]
    assert all(batch["faithful"] for batch in batches)
    first, second, third, fourth = dict.fromkeys(batch["lease"] for batch in batches)
    covered = {
        lease: [(batch["first"], batch["next"]) for batch in batches if batch["lease"] == lease]
        for lease in (first, second, third, fourth)
    }
    assert covered[first] == [(at, at + 500) for at in range(0, RECORDS, 500)]
    assert covered[second] == [(at, at + 500) for at in range(1_000, RECORDS, 500)]
    assert covered[third] == [(0, 500)], "the rest of this lease was in Faust's queue when it ended"
    assert covered[fourth] == [(at, at + 500) for at in range(2_500, RECORDS, 500)]
    leases = [batch["lease"] for batch in batches]
    assert leases == sorted(leases)

    kafka_field.until(lambda: kafka_field.committed((click, 0), (click, 1)) == [RECORDS, RECORDS], "acks are committed")
    assert worker.stop()[0] == 0


def test_an_offset_beyond_the_log_end_ends_the_worker_with_a_message(kafka_field: "TransportGroup") -> None:
    topic = kafka_field.topic("click", 1, 100)
    kafka_field.store(topic, 0, 150)
    worker = kafka_field.start(topics=[topic])

    assert worker.wait() != 0
    assert "expected to resume at offset 150, but the log holds [0, 100): the broker lost records" in worker.log
    assert kafka_field.entries("batch") == []


def test_an_offset_below_the_log_start_ends_the_worker_with_a_message(kafka_field: "TransportGroup") -> None:
    topic = kafka_field.topic("click", 1, 100)
    kafka_field.store(topic, 0, -30)  # the embedded broker cannot delete records: its logs start at 0
    worker = kafka_field.start(topics=[topic])

    assert worker.wait() != 0
    assert "expected to resume at offset -30, but the log holds [0, " in worker.log
    assert "retention deleted unprocessed records" in worker.log
    assert kafka_field.entries("batch") == []


def test_the_owner_may_choose_another_offset_when_the_broker_refuses_one(kafka_field: "TransportGroup") -> None:
    topic = kafka_field.topic("click", 1, 100)
    kafka_field.store(topic, 0, 20)
    worker = kafka_field.start(topics=[topic], broker_refuses=True, resume_at=60)
    kafka_field.until(lambda: kafka_field.committed((topic, 0)) == [100], "all from there on is committed")

    assert worker.stop()[0] == 0
    (asked,) = kafka_field.entries("out_of_range")
    assert (asked["tp"], asked["stored"], asked["earliest"]) == ([topic, 0], 20, 0)
    assert kafka_field.ranges(topic, 0) == [(60, 100)]
