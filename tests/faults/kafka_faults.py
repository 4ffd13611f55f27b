"""Faults that only a real Kafka can have: brokers restart and fail, logs are cut off."""

import dataclasses
import time
from functools import partial

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from stream.agents.owner import REFUSED
from tests.faults.processes import WorkerProcess
from tests.faults.scenario import Fault, Trial
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
        bench.check_workers()


def _lose_one_of_three(trial: Trial) -> None:
    """One of three brokers, a leader and perhaps the group's coordinator, is killed; later it comes back."""
    bench, kafka = trial.bench, trial.kafka
    assert kafka is not None
    for moment in trial.moments(3, high=0.8):
        bench.wait_for_progress(moment)
        node = trial.random.choice(kafka.nodes)
        trial.measure(partial(kafka.kill, node))
        kafka.restart(node)
        bench.check_workers()


def _retention_ran_out(trial: Trial) -> None:
    """The log is deleted beyond the stored offset while no worker runs: no worker starts, and it says why."""
    bench = trial.bench
    bench.wait_for_progress(0.3)
    for worker in bench.workers.values():
        worker.stop()
    state = bench.states()[0]
    topic = bench.settings.events_click
    gone = min(state.offsets.get(topic, 0) + 5, bench.log.ends(0)[0])
    admin = AdminClient({"bootstrap.servers": bench.settings.kafka_bootstrap})
    for outcome in admin.delete_records([TopicPartition(topic, 0, gone)]).values():
        outcome.result(10.0)
    trial.faults += 1
    worker = bench.start(next(iter(bench.workers)))
    trial.wait_for_end("the worker refuses", worker, 60.0)
    wanted = (f"{topic}/0", "retention deleted unprocessed records", "reset the stored offset")
    _expect_refusal(trial, worker, *wanted)


def _add_partitions(trial: Trial) -> None:
    """Partitions are added while events flow: every worker leaves and says why; what it has done stays exact."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.3, 0.6))
    before, grown = bench.log.partitions, bench.log.partitions + 2
    admin = AdminClient({"bootstrap.servers": bench.settings.kafka_bootstrap})
    wanted = [NewPartitions(topic, grown) for topic in bench.settings.event_topics]
    for outcome in admin.create_partitions(wanted).values():
        outcome.result(10.0)
    trial.faults += 1
    for worker in bench.workers.values():
        trial.wait_for_end(f"{worker.name} refuses", worker, 60.0)
        _expect_refusal(
            trial, worker, f"expected {before} partitions", f"events.click: {grown}", "copy the events to new topics"
        )
    for partition, state in bench.states().items():
        if state.counters.events_in != sum(state.offsets.values()):
            trial.findings.append(f"C: partition {partition} stored {state.counters.events_in} of {state.offsets}")
    settings = bench.settings
    for changed, parts in (
        ({}, (f"expected {before} partitions", f"events.click: {grown}")),
        ({"partitions": grown}, (f"was made for {before} partitions", f"is {grown}")),
        ({"topic_prefix": "nowhere."}, ("these do not exist", "nowhere.events.click")),
    ):
        bench.settings = dataclasses.replace(settings, **changed)
        trial.faults += 1
        later = bench.start("w0")
        trial.wait_for_end(f"a worker with {changed} refuses", later, 60.0)
        _expect_refusal(trial, later, *parts)
    bench.settings = settings


def _expect_refusal(trial: Trial, worker: WorkerProcess, *parts: str) -> None:
    """One line with these parts, exit status 1, and no traceback."""
    lines = [line for line in worker.log.splitlines() if all(part in line for part in parts)]
    if worker.process.returncode != REFUSED or len(lines) != 1 or "Traceback" in worker.log:
        trial.findings.append(
            f"R: status {worker.process.returncode}, expected {REFUSED} and one line with {parts}: {worker.log[-1500:]}"
        )


#: More than a worker has fetched when the fault strikes.
_LONG = {"padding": 8_000}

_FORGETS = "the embedded broker forgets everything when it ends"

KAFKA_FAULTS = (
    Fault("broker-restart", "14", _restart_broker, runs=2, needs_kafka=_FORGETS, own_broker=True, log=_LONG),
    Fault(
        "one-of-three-brokers",
        "14",
        _lose_one_of_three,
        runs=2,
        needs_kafka="the embedded broker is one process",
        own_broker=True,
        brokers=3,
        log=_LONG,
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
