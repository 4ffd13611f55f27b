"""Faults of Redis: it dies, forgets, refuses, dawdles and hangs."""

import os
import signal
import time

import redis

from tests.faults import frozen_model
from tests.faults.scenario import Fault, Trial

__all__ = ["REDIS_FAULTS"]


def _kill(trial: Trial, *, times: int = 3) -> None:
    """kill -9 and a restart on the append-only file, which has everything."""
    bench = trial.bench
    for moment in trial.moments(times):
        bench.wait_for_progress(moment)

        def strike() -> None:
            bench.redis.kill()
            time.sleep(trial.random.uniform(0.0, 2.0))
            bench.redis.start()

        trial.measure(strike)


def _cut_tail(trial: Trial) -> None:
    """The same, and the last writes are gone: the workers are ahead of what is stored."""
    bench = trial.bench
    for moment in trial.moments(3):
        bench.wait_for_progress(moment)

        def strike() -> None:
            bench.redis.kill()
            newest = max(bench.redis.directory.rglob("*.aof"), key=lambda path: path.stat().st_mtime)
            size = newest.stat().st_size
            lost = int(size * trial.random.uniform(0.02, 0.3))
            os.truncate(newest, size - lost)
            bench.redis.start()

        trial.measure(strike)


def _flush(trial: Trial) -> None:
    """FLUSHALL under load: everything is rebuilt from the log. The frozen model is no state of ours."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.3, 0.7))
    _flush_all(trial)


def _flush_idle(trial: Trial) -> None:
    """FLUSHALL when there is nothing to do: it is noticed all the same."""
    trial.bench.settle()
    _flush_all(trial)


def _flush_all(trial: Trial) -> None:
    """Lose everything; recovered is what is rebuilt as far as it was."""
    before = trial.bench.progress()
    with trial.bench.client.pipeline(transaction=True) as pipeline:
        pipeline.flushall()
        pipeline.set(trial.bench.keys.snapshot(), frozen_model.encoded())
        pipeline.execute()
    trial.faults += 1
    trial.recoveries.append(trial.bench.wait("what was lost is rebuilt", lambda: trial.bench.progress() >= before))


def _out_of_memory(trial: Trial) -> None:
    """No room for a write (noeviction) for some seconds."""
    _for_a_while(trial, {"maxmemory": "1"}, {"maxmemory": "0"}, 4.0, 8.0)


def _read_only(trial: Trial) -> None:
    """Writes are refused, as by a primary that has lost its replicas."""
    _for_a_while(trial, {"min-replicas-to-write": "1"}, {"min-replicas-to-write": "0"}, 4.0, 8.0)


def _for_a_while(trial: Trial, wrong: dict[str, str], right: dict[str, str], low_s: float, high_s: float) -> None:
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.6))
    for name, value in wrong.items():
        bench.client.config_set(name, value)
    before = bench.progress()
    time.sleep(trial.random.uniform(low_s, high_s))
    if bench.progress() > before + 0.05:
        trial.findings.append("the fault had no effect: writes went on")

    def strike() -> None:
        for name, value in right.items():
            bench.client.config_set(name, value)

    trial.measure(strike)
    bench.check_workers()


def _slow(trial: Trial) -> None:
    """Every command waits up to half a second, for ten seconds."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.4))
    with redis.Redis.from_url(bench.redis.url) as client:
        until = time.monotonic() + 10.0
        while time.monotonic() < until:
            client.client_pause(500)
            time.sleep(0.55)
    trial.measure(lambda: None)
    bench.check_workers()


def _hang(trial: Trial) -> None:
    """No answer for longer than a worker waits for one, then every queued command is carried out."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.5))
    pid = bench.redis.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(trial.random.uniform(8.0, 22.0))
    os.kill(pid, signal.SIGCONT)
    trial.measure(lambda: None)
    bench.check_workers()


def _hang_and_rebalance(trial: Trial) -> None:
    """Redis hangs while a worker leaves: the hand-over cannot be finished in good order."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.4))
    pid = bench.redis.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        bench.workers["w2"].kill()
        time.sleep(14.0)  # the session of the dead one ends, the others rebalance without a store
    finally:
        os.kill(pid, signal.SIGCONT)
    trial.faults += 1
    bench.ended.append(bench.workers.pop("w2"))
    trial.measure(lambda: None)
    bench.check_workers()


def _corrupt_snapshot(trial: Trial) -> None:
    """Garbage where the model should be: refused, and the last good one goes on scoring."""
    bench = trial.bench
    good = frozen_model.encoded()
    for k, moment in enumerate(trial.moments(3)):
        bench.wait_for_progress(moment)
        flipped = bytearray(good)
        flipped[trial.random.randrange(len(good))] ^= 1
        bench.client.set(bench.keys.snapshot(), (b"garbage", good[: len(good) // 2], bytes(flipped))[k % 3])
        trial.faults += 1
        bench.wait("a refusal", lambda: any("snapshot is refused" in w.log for w in bench.workers.values()))
    bench.client.set(bench.keys.snapshot(), good)


def _one_kill(trial: Trial) -> None:
    _kill(trial, times=1)


REDIS_FAULTS = (
    Fault("redis-kill", "10", _kill, runs=4, bench={"appendfsync": "always"}),
    Fault("redis-lost-tail", "11", _cut_tail, runs=5, takes_state_away=True),
    Fault("redis-kill-once", "10", _one_kill, runs=1, bench={"appendfsync": "always"}, short=True),
    Fault("redis-flushall", "12", _flush, runs=3, takes_state_away=True),
    Fault("redis-flushall-idle", "12", _flush_idle, runs=1, takes_state_away=True),
    Fault("redis-out-of-memory", "13", _out_of_memory, runs=2),
    Fault("redis-read-only", "13", _read_only, runs=2),
    Fault("redis-slow", "13", _slow, runs=2),
    Fault("redis-hangs", "13", _hang, runs=2),
    Fault("redis-hangs-in-rebalance", "13", _hang_and_rebalance, runs=2, bench={"workers": 3}),
    Fault("corrupt-snapshot", "21", _corrupt_snapshot, runs=2),
)
