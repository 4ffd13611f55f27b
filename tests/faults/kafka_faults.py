"""Faults that only a real Kafka can have: brokers restart and fail, logs are cut off."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from stream.agents.owner import REFUSED
from stream.cli.topics import create_topics
from tests.faults.processes import WorkerProcess
from tests.faults.scenario import Fault, Trial
from tests.faults.taken import inexact
from tests.faults.worker import Plan

__all__ = ["KAFKA_FAULTS"]


def _restart_broker(trial: Trial) -> None:
    """The only broker is killed and comes back on its log."""
    bench, kafka = trial.bench, trial.kafka
    assert kafka is not None
    for moment in trial.moments(3, high=0.8):
        bench.wait_for_progress(moment)

        def strike() -> None:
            kafka.kill(1)
            time.sleep(trial.random.uniform(0.0, 3.0))
            kafka.restart(1)

        trial.measure(strike)


def _lose_one_of_three(trial: Trial) -> None:
    """One of three brokers, a leader of inputs, is killed or stopped in good order, in turn; later it comes back."""
    bench, kafka = trial.bench, trial.kafka
    assert kafka is not None
    ways = trial.random.sample((kafka.kill, kafka.stop_node), 2)
    for way, moment in zip((*ways, *ways), trial.moments(4, high=0.8), strict=True):
        share = trial.random.random()
        bench.wait_for_progress(moment)
        leaders = _wait_for_leaders(trial)
        node = leaders[int(share * len(leaders))]
        trial.measure(partial(way, node))
        _wait_for_leaders(trial, without=node)
        kafka.restart(node)


def _wait_for_leaders(trial: Trial, without: int | None = None) -> list[int]:
    """Wait until every partition of the inputs has a leader, which is not ``without``; return all leaders."""
    bench, kafka = trial.bench, trial.kafka
    assert kafka is not None
    topics, found = bench.settings.event_topics, dict[tuple[str, int], int]()

    def led() -> bool:
        found.clear()
        found.update(kafka.leaders(topics))
        return len(found) == len(topics) * bench.log.partitions and without not in found.values()

    bench.wait("a leader of every partition of the inputs", led)
    return sorted({*found.values()})


def _retention_ran_out(trial: Trial) -> None:
    """The log is deleted beyond the stored offset while no worker runs: no worker starts, and it says why."""
    bench = trial.bench
    bench.wait_for_progress(0.3)
    for worker in bench.workers.values():
        worker.stop()
    state = bench.stored.states()[0]
    topic = bench.settings.events_click
    gone = min(state.offsets.get(topic, 0) + 5, bench.log.ends(0)[0])
    admin = AdminClient({"bootstrap.servers": bench.settings.kafka_bootstrap})
    for outcome in admin.delete_records([TopicPartition(topic, 0, gone)]).values():
        outcome.result(10.0)
    trial.faults += 1
    worker = bench.start(next(iter(bench.workers)))
    trial.wait_for_end("the worker refuses", worker, REFUSED, 60.0)
    wanted = (f"{topic}/0", "retention deleted unprocessed records", "reset the stored offset")
    _expect_refusal(trial, worker, *wanted)
    trial.findings += inexact(bench)


def _add_partitions(trial: Trial) -> None:
    """Partitions are added, unequal, or topics are missing: workers leave and say why; what is stored is exact."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.3, 0.6))
    before, grown = bench.log.partitions, bench.log.partitions + 2
    _grow(trial, bench.settings.event_topics, grown)
    trial.faults += 1
    for worker in bench.workers.values():
        trial.wait_for_end(f"{worker.name} refuses", worker, REFUSED, 60.0)
        _expect_refusal(
            trial, worker, f"expected {before} partitions", f"events.click: {grown}", "copy the events to new topics"
        )
    settings = bench.settings
    uneven, lonely = f"{settings.topic_prefix}uneven.", settings.events_email.removeprefix(settings.topic_prefix)
    create_topics(dataclasses.replace(settings, topic_prefix=uneven))
    _grow(trial, [f"{uneven}{lonely}"], grown)
    for changed, parts in (
        ({}, (f"expected {before} partitions", f"events.click: {grown}")),
        ({"partitions": grown}, (f"was made for {before} partitions", f"is {grown}")),
        ({"topic_prefix": uneven}, ("equal partition counts", f"{uneven}{lonely}")),
        ({"topic_prefix": "nowhere."}, ("these do not exist", "nowhere.events.click")),
    ):
        bench.settings = dataclasses.replace(settings, **changed)
        trial.faults += 1
        later = bench.start("w0")
        trial.wait_for_end(f"a worker with {changed} refuses", later, REFUSED, 60.0)
        _expect_refusal(trial, later, *parts)
    bench.settings = settings
    trial.findings += inexact(bench)


def _grow(trial: Trial, topics: Sequence[str], partitions: int) -> None:
    """Add partitions to topics, up to a number."""
    admin = AdminClient({"bootstrap.servers": trial.bench.settings.kafka_bootstrap})
    for outcome in admin.create_partitions([NewPartitions(topic, partitions) for topic in topics]).values():
        outcome.result(10.0)


def _expect_refusal(trial: Trial, worker: WorkerProcess, *parts: str) -> None:
    """One line with these parts, and no traceback; the status is looked at with those of all workers."""
    lines = [line for line in worker.log.splitlines() if all(part in line for part in parts)]
    if len(lines) != 1 or "Traceback" in worker.log:
        trial.findings.append(f"R: expected one line with {parts} and no traceback in {worker.log[-1500:]}")


#: More than a worker has fetched when the fault strikes, and enough work until the last broker is back.
_LONG: Mapping[str, Any] = {
    "log": {"padding": 8_000, "customers": 200},
    "plan": Plan(pace_ms=300.0),
}

_FORGETS = "the embedded broker forgets everything when it ends"

KAFKA_FAULTS = (
    Fault("broker-restart", "14", _restart_broker, runs=2, needs_kafka=_FORGETS, own_broker=True, **_LONG),
    Fault(
        "one-of-three-brokers",
        "14",
        _lose_one_of_three,
        runs=2,
        needs_kafka="the embedded broker is one process",
        own_broker=True,
        brokers=3,
        **_LONG,
    ),
    Fault(
        "partitions-added",
        "16",
        _add_partitions,
        runs=1,
        needs_kafka="the embedded broker cannot add partitions",
        ends_in_refusal=True,
        plan=Plan(pace_ms=100.0, metadata_max_age_s=2.0),
    ),
    Fault(
        "retention-ran-out",
        "24",
        _retention_ran_out,
        runs=1,
        needs_kafka="the embedded broker keeps every record",
        ends_in_refusal=True,
    ),
)
