"""The tables of docs/reliability.md are what the generator writes."""

import json
import re
from pathlib import Path

import pytest

from tests.faults.brokers import broker_name
from tests.faults.campaign import write
from tests.faults.mutants import MUTANTS
from tests.faults.report import BEGIN, END, mutants_table, report, summary, table, written
from tests.faults.schedule import Choice, scheduled
from tests.faults.trials import FAULTS, Result

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"

TRIALS = [
    {
        "fault": "zombie",
        "number": "5",
        "broker": "kafka x1",
        "seed": seed,
        "faults": 4,
        "violations": violations,
        "duplicates": 10,
        "recoveries_s": [1.0 * seed, 9.0],
        "memory_mb": 280,
        "points": {"acked": 1, **({"polled": 1} if seed == 1 else {})},
    }
    for seed, violations in ((2, ["F: a", "A: b"]), (1, []))
]
MUTANT_TRIALS = [
    {"mutant": "outbox", "fault": "worker-kill-at-point", "violations": []},
    {"mutant": "outbox", "fault": "worker-kill-at-point", "violations": ["L: x", "A: y", "A: z"]},
    {"mutant": "rewind", "fault": "redis-lost-tail", "violations": ["X: broken"]},
]


def _result(fault: str, seed: int, violations: list[str]) -> Result:
    return Result(fault, FAULTS[fault].number, "kafka x1", seed, 1, violations, 0, [], 100.0, 1.0)


def test_runs_of_a_fault_are_summed_up_by_broker() -> None:
    (row,) = summary(TRIALS)
    assert (row["runs"], row["injected"], row["seeds"], row["violations"], row["duplicates"]) == (2, 8, [1, 2], 2, 20)
    assert (row["recoveries"], row["recovery_p50_s"], row["recovery_p99_s"]) == (4, 2.0, 9.0)
    assert row["points"] == {"acked": 2, "polled": 1}


def test_rows_are_in_the_order_of_their_numbers_as_numbers() -> None:
    others = [{**TRIALS[0], "fault": "late", "number": "14"}, {**TRIALS[0], "fault": "early", "number": "2"}]
    assert [row["number"] for row in summary([*others, *TRIALS])] == ["2", "5", "14"]


def test_the_table_ends_with_the_sum() -> None:
    lines = table(summary(TRIALS)).splitlines()
    assert lines[2] == "| 5. zombie | kafka x1 | 2 | 8 | 2 | 20 | 4 | 2.0 | 9.0 |"
    assert lines[-1] == "| **all** | | 2 | 8 | 2 | 20 | | | |"


def test_what_was_skipped_is_in_the_table_by_name() -> None:
    skipped = [{"fault": "broker-restart", "number": "14", "broker": "kafka x1", "reason": "there is no java"}]
    assert "| 14. broker-restart | kafka x1 | skipped | | | | | | |" in table(summary(TRIALS), skipped).splitlines()
    written_out = report({"trials": TRIALS, "skipped": skipped, "commit": "abc"})
    assert "* broker-restart was skipped on kafka x1: there is no java" in written_out
    assert "Commit abc." in written_out


def test_faults_that_were_tried_again_take_the_place_of_their_results_and_name_their_commit(tmp_path: Path) -> None:
    output = tmp_path / "faults.json"
    write(
        output, "trials", [_result("zombie", 1, ["X: a harness that fails"]), _result("scale", 1, [])], 9.0, (), "abc"
    )
    write(output, "trials", [_result("zombie", 2, [])], 3.0, (), "def", again=True)
    found = json.loads(output.read_text())
    assert [(trial["fault"], trial["seed"]) for trial in found["trials"]] == [("scale", 1), ("zombie", 2)]
    assert [row["violations"] for row in found["faults"]] == [0, 0]
    assert "Commit abc.\nOf zombie these are the runs of commit def.\n" in report(found)
    write(output, "trials", [_result("scale", 3, [])], 2.0, (), "ghi")
    assert "again" not in json.loads(output.read_text())


def test_a_mutant_that_only_broke_the_harness_was_not_noticed() -> None:
    lines = mutants_table(MUTANT_TRIALS).splitlines()
    assert lines[2] == "| outbox | worker-kill-at-point | 2 | A, L |"
    assert lines[3] == "| rewind | redis-lost-tail | 1 | **nothing** |"


def test_a_document_without_markers_is_refused() -> None:
    assert written(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\nnew\n{END}\nb"
    with pytest.raises(ValueError, match="expected the lines"):
        written("a document without them", "new")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_document_holds_what_the_generator_writes() -> None:
    """A table of another form was written by hand, or by another version of the generator."""
    lines = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    form = report({"trials": TRIALS, "mutants": MUTANT_TRIALS}).splitlines()
    for line in (form[0], form[1], *(line for line in form if line.startswith("| Switched off"))):
        assert line in lines
    rows = [_cells(line) for line in lines if re.match(r"\| \d+\. ", line)]
    assert rows
    total = _cells(next(line for line in lines if line.startswith("| **all** |")))
    assert [int(number) for number in total[2:6]] == [sum(int(row[column]) for row in rows) for column in range(2, 6)]
    assert total[4] == "0"
    assert int(total[3]) >= 300
    assert all(any(line.startswith(f"| {mutant} | ") for line in lines) for mutant in MUTANTS)
    assert "**nothing**" not in "".join(lines)


def test_the_document_has_a_row_of_every_fault_on_every_broker_that_can_have_it() -> None:
    table_of = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = {(row[0].partition(" ")[2], row[1]) for row in map(_cells, re.findall(r"(?m)^\| \d+\. .*$", table_of))}
    campaign = [fault for fault in FAULTS.values() if not fault.short]
    tasks = scheduled(campaign, Choice(), missing=lambda: None).tasks
    assert rows == {(task.fault, broker_name(task.kind, FAULTS[task.fault])) for task in tasks}


def test_every_fault_says_what_it_does() -> None:
    assert all(fault.description and "partial(" not in fault.description for fault in FAULTS.values())


def test_there_is_a_fault_of_every_number() -> None:
    assert {int(fault.number) for fault in FAULTS.values()} == set(range(34))
