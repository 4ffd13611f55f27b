"""Faults of Redis: it dies, forgets, refuses, dawdles and hangs."""

import os
import time
from collections.abc import Callable
from functools import partial

import redis

from stream.local.server_process import HOST
from tests.faults import frozen_model
from tests.faults.redis_cluster import RedisCluster
from tests.faults.scenario import Fault, Trial

__all__ = ["REDIS_FAULTS", "cut_tail", "flush"]

#: By how much longer each command takes on a slow line.
LATENCY_S = 0.5


def _kill(trial: Trial, *, times: int = 20) -> None:
    """kill -9 and a restart on the append-only file, which has everything."""
    bench = trial.bench
    for moment in trial.moments(times):
        bench.wait_for_progress(moment)

        def strike() -> None:
            bench.redis.kill()
            time.sleep(trial.random.choice((0.0, 0.0, 0.0, 2.0)))
            bench.redis.start()

        trial.measure(strike)


def cut_tail(trial: Trial) -> None:
    """The same, without the last writes: the workers are ahead of the stored state."""
    bench = trial.bench
    for moment in trial.moments(12):
        bench.wait_for_progress(moment)

        def strike() -> None:
            bench.redis.kill()
            newest = max(bench.redis.directory.rglob("*.aof"), key=lambda path: path.stat().st_mtime)
            size = newest.stat().st_size
            lost = int(size * trial.random.uniform(0.01, 0.1))
            os.truncate(newest, size - lost)
            bench.redis.start()

        rewound = _rewound(trial)
        trial.measure(strike)
        bench.wait("a worker that goes back", partial(_rewound_since, trial, rewound))


def _rewound(trial: Trial) -> int:
    return sum(worker.rewound for worker in trial.bench.workers.values())


def _rewound_since(trial: Trial, before: int) -> bool:
    return _rewound(trial) > before


def flush(trial: Trial) -> None:
    """FLUSHALL under load: everything is rebuilt from the log. The frozen model is no state of ours."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.3, 0.7))
    _flush_all(trial)


def _flush_idle(trial: Trial) -> None:
    """FLUSHALL at rest: the workers notice it too."""
    trial.bench.settle()
    _flush_all(trial)


def _flush_all(trial: Trial) -> None:
    """Lose everything. A partition has recovered when it is rebuilt up to its former offsets."""
    before = trial.bench.progress()
    with trial.bench.client.pipeline(transaction=True) as pipeline:
        pipeline.flushall()
        pipeline.set(trial.bench.keys.snapshot(), frozen_model.encoded())
        pipeline.execute()
    trial.faults += 1
    trial.recoveries.append(trial.bench.wait("what was lost is rebuilt", lambda: trial.bench.progress() >= before))


def _out_of_memory(trial: Trial) -> None:
    """No room for a write (noeviction) for some seconds."""
    _for_a_while(trial, *_setting(trial, "maxmemory", "1", "0"))


def _read_only(trial: Trial) -> None:
    """Writes are refused, as by a primary that has lost its replicas, and as by one that has become a replica."""
    client = trial.bench.client
    _for_a_while(trial, *_setting(trial, "min-replicas-to-write", "1", "0"), times=2)
    # of a primary that cannot be reached: it keeps what it has, and answers reads
    _for_a_while(trial, partial(client.slaveof, HOST, "1"), client.slaveof, times=2, low=0.5)


def _disk_full(trial: Trial) -> None:
    """Nothing can be appended to Redis's file: it refuses writes until there is room."""
    _for_a_while(trial, trial.bench.redis.fill_disk, trial.bench.redis.free_disk)


def _setting(trial: Trial, name: str, wrong: str, right: str) -> tuple[Callable[[], object], Callable[[], object]]:
    change = trial.bench.client.config_set
    return partial(change, name, wrong), partial(change, name, right)


def _for_a_while(
    trial: Trial, begin: Callable[[], object], end: Callable[[], object], *, times: int = 4, low: float = 0.05
) -> None:
    bench = trial.bench
    for moment in trial.moments(times, low, low + 0.2 * times):
        bench.wait_for_progress(moment)
        claims = bench.stored.claims()
        begin()
        time.sleep(1.5)  # commands in flight, and what Redis may append before it notices
        before = bench.progress()
        time.sleep(trial.random.uniform(2.0, 6.0))
        if bench.progress() > before:
            trial.findings.append(f"X: the fault had no effect: {before:.1%} of the log, then {bench.progress():.1%}")
        trial.measure(end)
        # each partition is claimed anew, and may have to be once more; it is not given back and forth
        trial.expect_calm(claims, 3 * bench.log.partitions)


def _slow(trial: Trial) -> None:
    """Every command takes half a second longer, for twelve seconds: that is no reason to claim anything anew."""
    bench = trial.bench
    assert bench.line is not None
    # a joining worker claims
    trial.wait_for_owners(len(bench.workers))
    bench.wait_for_progress(trial.random.uniform(0.1, 0.3))
    claims, quick = bench.stored.claims(), _pace(trial, 2.0)
    bench.line.delay_s = LATENCY_S
    with redis.Redis.from_url(bench.line.url) as client:
        began = time.monotonic()
        client.ping()
        if (took_s := time.monotonic() - began) < LATENCY_S:
            trial.findings.append(f"X: a command took {took_s:.2f} s, expected at least {LATENCY_S:g} s")
    slow = _pace(trial, 10.0)
    if not 0 < slow < quick:
        trial.findings.append(
            f"X: {slow:.2%} of the log in a second, {quick:.2%} before: expected less, but not nothing"
        )
    bench.line.delay_s = 0.0
    trial.measure(lambda: None)
    trial.expect_calm(claims, 0)


def _pace(trial: Trial, seconds: float) -> float:
    """Share of the log that is taken in a second."""
    before = trial.bench.progress()
    time.sleep(seconds)
    return (trial.bench.progress() - before) / seconds


def _hang(trial: Trial) -> None:
    """No answer for longer than a worker waits for one, then every queued command is carried out."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.5))
    with trial.hanging_redis(claims_of_each=2):
        time.sleep(trial.random.uniform(8.0, 20.0))


def _hang_and_rebalance(trial: Trial) -> None:
    """Redis hangs while a worker leaves: the hand-over cannot be finished in good order."""
    bench = trial.bench
    bench.wait_for_progress(trial.random.uniform(0.2, 0.4))
    # claimed by those who are left, twice if the group settles in two steps, and each once more after a lost answer
    with trial.hanging_redis(claims_of_each=4):
        bench.workers["w2"].kill()
        time.sleep(14.0)  # the session of the dead one ends, the others rebalance without a store
        bench.ended.append(bench.workers.pop("w2"))
    trial.faults += 1


def _kill_cluster_node(trial: Trial) -> None:
    """One of the three masters of a Redis Cluster is killed and comes back on its append-only file."""
    bench = trial.bench
    assert bench.cluster is not None
    for moment in trial.moments(3, high=0.7):
        bench.wait_for_progress(moment)
        number = trial.random.randrange(len(bench.cluster.nodes))
        trial.measure(partial(_restart_node, bench.cluster, number, trial.random.uniform(0.0, 4.0)))


def _restart_node(cluster: RedisCluster, number: int, away_s: float) -> None:
    cluster.kill_node(number)
    time.sleep(away_s)
    cluster.restart_node(number)


def _corrupt_snapshot(trial: Trial) -> None:
    """Garbage where the model should be: refused, and the last good one goes on scoring."""
    bench = trial.bench
    trial.wait_for_steps()  # a worker must have loaded a model to have a last good one
    good = frozen_model.encoded()
    for k, moment in enumerate(trial.moments(12)):
        bench.wait_for_progress(moment)
        flipped = bytearray(good)
        flipped[trial.random.randrange(len(good))] ^= 1
        bench.client.set(bench.keys.snapshot(), (b"garbage", good[: len(good) // 2], bytes(flipped))[k % 3])
        trial.faults += 1
        bench.wait("refusals", partial(_refused, trial, len(bench.workers) * (k + 1)))
        bench.client.set(bench.keys.snapshot(), good)


def _refused(trial: Trial, times: int) -> bool:
    return sum(worker.log.count("snapshot is refused") for worker in trial.bench.workers.values()) >= times


def _one_kill(trial: Trial) -> None:
    """kill -9 and a restart on the append-only file, once."""
    _kill(trial, times=1)


#: For many faults in one run.
_LONGER = {"customers": 200}

REDIS_FAULTS = (
    Fault("redis-kill", "10", _kill, runs=2, log=_LONGER, bench={"appendfsync": "always"}),
    Fault("redis-lost-tail", "11", cut_tail, runs=3, log=_LONGER, takes_state_away=True),
    Fault("redis-kill-once", "10", _one_kill, runs=1, bench={"appendfsync": "always"}, short=True),
    Fault("redis-flushall", "12", flush, runs=2, takes_state_away=True),
    Fault("redis-flushall-idle", "12", _flush_idle, runs=1, takes_state_away=True),
    Fault("redis-out-of-memory", "13", _out_of_memory, runs=1),
    Fault("redis-read-only", "13", _read_only, runs=1),
    Fault("redis-slow", "13", _slow, runs=1, bench={"delay_line": True}, log={"customers": 200}),
    Fault("redis-hangs", "13", _hang, runs=2),
    Fault(
        "redis-hangs-in-rebalance",
        "13",
        _hang_and_rebalance,
        runs=1,
        bench={"workers": 3},
        needs_kafka="its group coordinator lets joins hang when a static member dies in a rebalance",
    ),
    Fault("redis-disk-full", "17", _disk_full, runs=1),
    Fault("redis-cluster-node-killed", "10", _kill_cluster_node, runs=1, bench={"cluster": True}),
    Fault("corrupt-snapshot", "21", _corrupt_snapshot, runs=1),
)
