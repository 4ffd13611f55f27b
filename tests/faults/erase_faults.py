"""People who are erased while workers, and the command that follows them, die at every step of it."""

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from stream.cli.privacy_erasing import erase_person, receipts_in
from stream.events.partitioner import partition_of
from stream.privacy.erasure_feed import ErasureFeed
from stream.privacy.erasure_receipt import faults
from tests.faults.scenario import Fault, Trial

__all__ = ["ERASE_FAULTS"]

POINTS = ("erasing", "script sent", "script done", "erased")
_KEY = "k" * 32
_TIMEOUT_S = 120.0


def _kill_erasing(trial: Trial) -> None:
    """kill -9 of a worker at each point of an erasure, and of the command at any moment; each time once more is enough.

    Then Redis loses all, and the log is processed from its start: nobody comes back.
    """
    bench = trial.bench
    bench.wait("the whole log is processed", bench.finished_all)
    people = trial.random.sample(sorted(bench.stored.documents()), len(POINTS))
    with tempfile.TemporaryDirectory() as directory:
        settings = replace(bench.settings, data_dir=directory)
        for point, customer in zip(POINTS, people, strict=True):
            partition = partition_of(customer, bench.log.partitions)
            name = bench.owner_of(partition)
            bench.workers[name].stop()
            doomed = bench.start(name, msgspec.structs.replace(bench.plan, exit_at=(point, 1)))
            command = _command(settings.to_env(), customer, Path(directory) / "command.log")
            trial.wait_for_end(f"the end at {point!r}", doomed, -signal.SIGKILL, _TIMEOUT_S)
            command.kill()
            command.wait()
            trial.points[point] += 1
            trial.faults += 1
            bench.start(name)
            erase_person(settings, customer, _TIMEOUT_S, lambda _line: None)
        _check(trial, people, "erased")
        bench.client.flushdb()
        bench.wait("the log from its start", partial(_is_processed_again, trial), _TIMEOUT_S)
        _check(trial, people, "processed again")
        with ErasureFeed(settings) as feed:
            receipts = receipts_in(feed.erasures)
        if len(receipts) != len(people) or (wrong := faults(receipts)):
            trial.findings.append(f"X: {len(receipts)} receipts of {len(people)} people: {wrong if receipts else ''}")


def _is_processed_again(trial: Trial) -> bool:
    return len(trial.bench.stored.states()) == trial.bench.log.partitions and trial.bench.finished_all()


def _check(trial: Trial, people: list[str], when: str) -> None:
    left = {*people} & {*trial.bench.stored.documents(), *trial.bench.stored.timers()}
    if left:
        trial.findings.append(f"X: {len(left)} of {len(people)} people are still there when all is {when}")


def _command(environment: dict[str, str], customer: str, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "stream", "privacy", "erase", customer],
            env={**os.environ, **environment},
            stdout=file,
            stderr=file,
        )


ERASE_FAULTS = (
    Fault(
        "erase-kill",
        "32",
        _kill_erasing,
        runs=2,
        log={"customers": 40},
        bench={"workers": 1, "identity_key": _KEY},
        takes_state_away=True,
        ends_in_refusal=True,
        beside_broker=True,
    ),
)
