"""Faults of stored state: keys are overwritten, rights are taken away, documents are damaged, and clocks are wrong."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import orjson

from stream.agents.owner import CRASHED
from stream.events.partitioner import partition_of
from stream.events.times import epoch_ms
from stream.processing.document import packed_state
from stream.processing.state import PartitionState
from tests.faults.bench import SETTLE_TIMEOUT_S
from tests.faults.processes import ROOT
from tests.faults.published import few
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan
from tests.features.profiles import Profile
from tests.oracle.features import features_at

__all__ = ["STATE_FAULTS"]

RULES = ROOT / "deploy" / "redis" / "users.acl.example"
#: How long a right is missing.
WITHOUT_S = 1.0
END_TIMEOUT_S = 120.0
#: How long a wrong clock may try to move stream time, which would take less than a second.
LOOK_S = 3.0
#: The bound of stream time whatever a worker's clock says: events lie at most this much ahead of their append.
AHEAD_MS = 200_000 + 120_000


def _rights_of_a_worker() -> list[str]:
    """The commands of the worker's user in the example."""
    (rule,) = [line for line in RULES.read_text().splitlines() if line.startswith("user worker ")]
    # an idle connection is not checked within these runs
    return [command for command in re.findall(r"\+([a-z]+)", rule) if command != "ping"]


def _take_rights(trial: Trial) -> None:
    """Each command of a worker's Redis user is taken away for a while: nothing is half written."""
    bench = trial.bench
    commands = _rights_of_a_worker()
    trial.random.shuffle(commands)
    # the harness keeps its rights
    bench.client.acl_setuser("harness", enabled=True, nopass=True, categories=["+@all"], keys=["*"], channels=["*"])
    bench.connect_as("harness")
    for command, moment in zip(commands, trial.moments(len(commands)), strict=True):
        bench.wait_for_progress(moment)
        bench.client.execute_command("ACL", "SETUSER", "default", f"-{command}")
        time.sleep(WITHOUT_S)
        trial.measure(partial(bench.client.execute_command, "ACL", "SETUSER", "default", f"+{command}"))
    torn = [worker.name for worker in bench.workers.values() if "in the middle of a step" in worker.log]
    if torn:
        trial.findings.append(f"C: {torn} found steps that were written in part")
    refused = sum(worker.rewound for worker in bench.workers.values())
    if not refused:
        trial.findings.append("X: no right was missed")


#: An outbox that is empty is no key.
_OVERWRITE = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('SET', KEYS[1], 'overwritten')
"""
_RESTORE = """
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
"""


def _overwrite_keys(trial: Trial) -> None:
    """Each key of a partition, and the trainer's, becomes a string: the worker ends, and nothing is lost."""
    bench = trial.bench
    keys = bench.keys
    made = [keys.meta, keys.timers, keys.outbox]
    names = [make(trial.random.randrange(bench.log.partitions)) for make in made]
    names.append(keys.checkpoint())
    trial.random.shuffle(names)
    for name, moment in zip(names, trial.moments(len(names)), strict=True):
        bench.wait_for_progress(moment)
        victim = trial.owner()
        worker = bench.workers[victim]
        worker.expected_status = CRASHED
        aside = f"{name}:aside"
        bench.client.eval(_OVERWRITE, 2, name, aside)
        trial.wait_for_end(f"the end because of {name}", worker, CRASHED, END_TIMEOUT_S)
        _expect_one_line(trial, worker.log, "WRONGTYPE")
        bench.client.eval(_RESTORE, 2, name, aside)
        trial.measure(partial(bench.start, victim))


def _garble_meta(trial: Trial) -> None:
    """Invalid tokens, states and counts: the worker ends with one line, and nothing is lost."""
    bench = trial.bench
    garbage = [("token", b"yes"), ("token", b"\xff:w:1"), ("state", b"{"), ("epoch", b"many")]
    trial.random.shuffle(garbage)
    for (field, value), moment in zip(garbage, trial.moments(len(garbage)), strict=True):
        bench.wait_for_progress(moment)
        victim, meta = trial.owner(), bench.keys.meta(trial.random.randrange(bench.log.partitions))
        # values that only a claim reads are garbled between two claims
        if field != "token":
            bench.workers[victim].stop()
        good = bench.client.hget(meta, field)
        bench.client.hset(meta, field, value)
        worker = bench.workers[victim] if field == "token" else bench.start(victim)
        trial.wait_for_end(f"the end because of the {field} {value!r}", worker, CRASHED, END_TIMEOUT_S)
        _expect_one_line(trial, worker.log, "docs/reliability.md")
        bench.client.hset(meta, field, good)
        trial.measure(partial(bench.start, victim))


def _expect_one_line(trial: Trial, log: str, says: str) -> None:
    """R: a process that ended did not say why in one line, or said more."""
    last = [line for line in log.splitlines() if "leaving" in line]
    if not last or says not in last[-1] or "Traceback" in log:
        trial.findings.append(f"R: expected one line with {says!r}, found {log[-1500:]}")


def _damage_documents(trial: Trial) -> None:
    """Documents of some customers are damaged: all others go on, and with their documents back they lack no event."""
    bench = trial.bench
    kept: dict[str, tuple[int, bytes]] = {}
    for number, moment in enumerate(trial.moments(3, high=0.6)):
        bench.wait_for_progress(moment)
        (name,) = bench.workers
        bench.workers[name].stop()  # otherwise the document may be written again from memory
        documents = bench.stored.documents(skip=kept)
        customer = trial.random.choice([c for c in sorted(documents) if c not in kept and _has_more(trial, c)])
        partition = partition_of(customer, bench.log.partitions)
        key = bench.keys.customer(partition, customer)
        kept[customer] = (partition, bench.client.dump(key))
        _damage(bench.client, key, documents[customer], number)
        trial.measure(partial(bench.start, name))
        bench.wait(f"customer {number} is set aside", partial(_is_aside, trial, customer), SETTLE_TIMEOUT_S)
    bench.wait("all partitions at the ends of their logs", bench.at_ends, SETTLE_TIMEOUT_S)
    bench.wait("empty outboxes", bench.published, SETTLE_TIMEOUT_S)
    trial.findings += _neighbours(trial, kept)
    for customer, (partition, dumped) in kept.items():
        bench.client.restore(bench.keys.customer(partition, customer), 0, dumped, replace=True)
        done = subprocess.run(
            [sys.executable, "-m", "stream", "quarantine", "release", customer],
            env=os.environ | bench.settings.to_env(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            trial.findings.append(f"R: the release ended with {done.returncode}: {done.stderr[-800:]}")
    bench.wait("nobody is set aside", lambda: not any(state.quarantined for state in bench.stored.states().values()))
    bench.wait("what came since is processed", partial(_has_all, trial, kept), SETTLE_TIMEOUT_S)


def _has_more(trial: Trial, customer: str) -> bool:
    """Whether most events of a customer are still to come, so that the damage is found."""
    bench = trial.bench
    last = max(event.at for event in bench.log.truth[customer])
    state = bench.stored.states().get(partition_of(customer, bench.log.partitions), PartitionState())
    return state.stream_time_ms is not None and last > state.stream_time_ms + 20 * 86_400_000


def _damage(client: Any, key: str, document: bytes, kind: int) -> None:
    if kind == 0:
        client.set(key, b"not a document")
    elif kind == 1:
        fields = orjson.loads(document)
        client.set(key, orjson.dumps({**fields, "state": fields["state"][:-8]}))
    else:
        client.delete(key)
        client.rpush(key, document)


def _is_aside(trial: Trial, customer: str) -> bool:
    return any(customer in state.quarantined for state in trial.bench.stored.states().values())


def _neighbours(trial: Trial, aside: Mapping[str, object]) -> list[str]:
    """F: wrong features of healthy customers. C: counters that do not add up."""
    bench = trial.bench
    found = []
    documents = bench.stored.documents(skip=aside)
    wanted = bench.expectation.packed
    wrong = [c for c, document in documents.items() if packed_state(document) != wanted[c]]
    if wrong or documents.keys() != wanted.keys() - aside.keys():
        found.append(f"F: profiles differ of neighbours {few(wrong)}")
    for partition, state in bench.stored.states().items():
        counters = msgspec.to_builtins(state.counters)
        if counters["events_in"] != sum(counters[n] for n in ("applied", "duplicates", "dead_letters", "forwarded")):
            found.append(f"C: the counters of partition {partition} do not add up: {counters}")
    return found


def _has_all(trial: Trial, customers: Mapping[str, object]) -> bool:
    """Whether the features of these customers are those of all of their events."""
    bench = trial.bench
    documents = bench.stored.documents()
    for customer in customers:
        as_of = epoch_ms(msgspec.convert(orjson.loads(documents[customer])["as_of"], type=datetime))
        if Profile.of(packed_state(documents[customer]), customer).values(as_of) != features_at(
            bench.log.truth[customer], as_of
        ):
            return False
    return True


def _jump_far(trial: Trial) -> None:
    """The clock of the worker jumps by hours to years, both ways: stream time does not follow, and then goes on."""
    bench = trial.bench
    bench.settle()
    # idle partitions have only a clock to follow
    # the newest events lie ahead of the clock, as far as they may
    patience_s = AHEAD_MS / 1000
    bench.wait(
        "partitions that follow the clock", lambda: all(s.live for s in bench.stored.states().values()), patience_s
    )
    for jump_s in trial.random.sample(_JUMPS_S, len(_JUMPS_S)):
        if not _jumps(trial, jump_s):
            return


def _jumps(trial: Trial, jump_s: float) -> bool:
    """Let the clock be wrong for a while; return whether stream time is none the worse."""
    bench = trial.bench
    (name,) = bench.workers
    gate = bench.stall_gate(name)
    refused = bench.workers[name].log.count(_REFUSED_CLOCK)
    scratch = gate.with_suffix(".next")
    scratch.write_text(str(jump_s))
    scratch.rename(gate)
    trial.faults += 1
    if jump_s > 0 and not bench.plan.mutant:
        bench.wait("a refused clock", lambda: bench.workers[name].log.count(_REFUSED_CLOCK) > refused)
    time.sleep(LOOK_S)
    latest_ms = time.time() * 1000 + AHEAD_MS
    times = {p: state.stream_time_ms or 0 for p, state in bench.stored.states().items()}
    if ahead := {p: at_ms for p, at_ms in times.items() if at_ms > latest_ms}:
        trial.findings.append(f"C: a clock {jump_s:+g} s off took the stream time of partitions with it: {ahead}")
    gate.unlink()
    if ahead:
        return False
    bench.wait(
        "time goes on", lambda: all((s.stream_time_ms or 0) > times[p] for p, s in bench.stored.states().items())
    )
    return True


_REFUSED_CLOCK = "off the clock of Redis"
_HOUR_S, _DAY_S = 3600.0, 86_400.0
_JUMPS_S = [way * length for length in (3 * _HOUR_S, 40 * _DAY_S, 400 * _DAY_S) for way in (1, -1)]

#: One worker, whose end is awaited, and which nobody replaces.
_ALONE = {"workers": 1}

STATE_FAULTS = (
    Fault("redis-rights", "27", _take_rights, runs=1, beside_broker=True, log={"customers": 150}, bench=_ALONE),
    Fault("keys-overwritten", "28", _overwrite_keys, runs=1, beside_broker=True, bench=_ALONE, takes_state_away=True),
    Fault("meta-garbled", "28", _garble_meta, runs=1, beside_broker=True, bench=_ALONE, takes_state_away=True),
    Fault(
        "documents-damaged",
        "29",
        _damage_documents,
        runs=1,
        beside_broker=True,
        bench=_ALONE,
        # customers who were set aside are no function of the log alone: the fault itself says what must be
        ends_in_refusal=True,
    ),
    Fault(
        "clock-jumps-far",
        "30",
        _jump_far,
        runs=1,
        beside_broker=True,
        log={"fresh": 20, "customers": 60},
        bench={"clock": "auto", **_ALONE},
        plan=Plan(pace_ms=25.0, stall="clock"),
    ),
)
