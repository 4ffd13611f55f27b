"""Faults that only a real Kafka can have: brokers restart and fail, logs are cut off."""

import time
from functools import partial

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.faults.scenario import Fault, Trial

__all__ = ["KAFKA_FAULTS"]


def _restart_broker(trial: Trial) -> None:
    """The only broker is killed and comes back on its log."""
    bench, kafka = trial.bench, trial.kafka
    assert kafka is not None
    for moment in trial.moments(2, high=0.7):
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
    for moment in trial.moments(2, high=0.7):
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
    bench.wait("the worker refuses", lambda: not worker.running, 60.0)
    wanted = (f"{topic}/0", "retention deleted unprocessed records", "reset the stored offset")
    if worker.process.returncode == 0 or not all(part in worker.log for part in wanted):
        trial.findings.append(f"R: status {worker.process.returncode}, expected {wanted} in {worker.log[-1500:]}")


#: More than a worker has fetched when the fault strikes.
_LONG = {"padding": 8_000}

KAFKA_FAULTS = (
    Fault("broker-restart", "14", _restart_broker, runs=3, needs="kafka", log=_LONG),
    Fault("one-of-three-brokers", "14", _lose_one_of_three, runs=3, needs="kafka", brokers=3, log=_LONG),
    Fault("retention-ran-out", "24", _retention_ran_out, runs=1, needs="kafka"),
)
