"""A guarantee that is switched off must be noticed, and by more than a run that does not end."""

import subprocess
import sys
from pathlib import Path

import pytest

from stream.storage.scripts import script
from tests.faults import betrayal
from tests.faults.betrayal import BETRAYED_BY, mutant_trials, unable
from tests.faults.brokers import Brokers
from tests.faults.mutants import COMMIT_SCRIPT_EDITS, MUTANTS
from tests.faults.schedule import Choice, Task
from tests.faults.trials import FAULTS, Result


def _result(task: Task, *violations: str) -> Result:
    fault = FAULTS[task.fault]
    return Result(fault.name, fault.number, task.kind, task.seed, 1, [*violations], 0, [], 1, 1, task.mutant)


def test_every_mutant_has_a_fault_that_must_expose_it() -> None:
    assert BETRAYED_BY.keys() == MUTANTS.keys()
    assert FAULTS.keys() >= set(BETRAYED_BY.values())


@pytest.mark.parametrize("mutant", COMMIT_SCRIPT_EDITS)
def test_the_text_that_a_mutant_replaces_is_once_in_the_commit_script(mutant: str) -> None:
    assert script("commit.lua").count(COMMIT_SCRIPT_EDITS[mutant][0]) == 1


def test_every_mutant_can_be_switched_on() -> None:
    """A worker that ends because its mutant fails would count as noticed."""
    source = "from tests.faults.mutants import MUTANTS\nfor betray in MUTANTS.values():\n    betray()"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("control", "noticed"), [([], [["T"]]), (["T: the machine is slow"], [[], [], []])], ids=["clean", "not clean"]
)
def test_a_run_that_does_not_end_counts_only_if_it_ends_with_the_guarantee_on(
    control: list[str], noticed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Task] = []

    def tell(task: Task, brokers: Brokers) -> Result:
        tried.append(task)
        return _result(task, "T: late") if task.mutant else _result(task, *control)

    monkeypatch.setattr(betrayal, "try_one", tell)
    results = [*mutant_trials(["rewind"], Choice(broker="embedded", keep=Path("kept")))]
    assert [result.noticed_by for result in results] == noticed
    assert [task.mutant for task in tried] == ["rewind", ""] * len(noticed)


def test_a_violated_invariant_needs_no_control_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(betrayal, "try_one", lambda task, _brokers: _result(task, "T: late", "C: lost"))
    (result,) = mutant_trials(["rewind"], Choice(broker="embedded"))
    assert result.noticed_by == ["C", "T"]


def test_a_mutant_whose_fault_needs_real_kafka_is_skipped_with_the_reason() -> None:
    skipped = unable([*MUTANTS], Choice(), missing=lambda: "there is no java")
    assert skipped.keys() == {"compare-and-set", "outbox", "safe-ack", "projection-atomicity", "agreed-layout"}
    assert {one.reason for one in skipped.values()} == {"there is no java"}
    assert unable([*MUTANTS], Choice(), missing=lambda: None) == {}
