"""Results of a step stay unchanged while later steps reuse the kernel's buffers."""

import ast
from copy import deepcopy
from dataclasses import fields
from pathlib import Path

import numpy as np

from stream.processing.kernel import Kernel, Run, StoredProfiles
from stream.processing.rules import Rules
from stream.processing.step_outcome import StepOutcome
from tests.features.lists_of_events import BEGIN, DAY
from tests.features.profiles import columns
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.runs import order
from tests.processing.station import Log, Station

RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=28 * DAY)
CUSTOMERS = [f"c{number}" for number in range(5)]
SOURCES = Path(__file__).parents[2] / "stream"


def bought(until: int) -> Log:
    log = [order(customer, f"{customer}-{day}", day) for customer in CUSTOMERS for day in range(0, until, 5)]
    return sorted(log, key=lambda entry: entry[1].at)


def shared_with_buffers(kernel: Kernel, run: Run) -> set[str]:
    (used,) = kernel._idle
    buffers = [value for value in vars(used).values() if isinstance(value, np.ndarray)] + [*used._changes]
    assert len(buffers) > 5
    arrays = {field.name: getattr(run, field.name) for field in fields(run)}
    return {
        name
        for name, value in arrays.items()
        if isinstance(value, np.ndarray) and any(np.shares_memory(value, buffer) for buffer in buffers)
    }


def test_a_run_hands_on_no_view_of_a_buffer() -> None:
    kernel, model = Kernel(RULES), scorer_of(SILENCE).model
    log = bought(30)
    events = columns([event for _, event in log])
    rows = np.array([CUSTOMERS.index(customer) for customer, _ in log])
    stored = StoredProfiles(CUSTOMERS, [None] * len(CUSTOMERS), [0] * len(CUSTOMERS))
    advanced = kernel.advance(stored, rows, events, events["time"].copy(), model)()
    assert shared_with_buffers(kernel, advanced) == set()
    swept = kernel.sweep(stored._replace(blobs=advanced.packed()), BEGIN + 120 * DAY, model)()
    assert len(swept.emissions)
    assert len(swept.stage_changes)
    assert shared_with_buffers(kernel, swept) == set()


class WatchedStation(Station):
    """Keeps every outcome, and a copy from the time of its step."""

    kept: list[tuple[StepOutcome, StepOutcome]]

    def _store(self, outcome: StepOutcome) -> None:
        self.kept.append((outcome, deepcopy(outcome)))
        super()._store(outcome)


def test_no_later_step_changes_earlier_results() -> None:
    WatchedStation.kept = []
    station = WatchedStation(bought(60), RULES, scorer_of(SILENCE))
    while station.step(7) or station.sweep(3):
        pass
    station.advance_to(station.stream_time_ms + 100 * DAY)
    assert len(WatchedStation.kept) > 10
    for outcome, as_handed_on in WatchedStation.kept:
        for name in ("documents", "timers", "idle", "retired", "packed", "outgoing", "alerts", "fired", "suppressed"):
            assert getattr(outcome, name) == getattr(as_handed_on, name)
    assert any(record.topic == "alerts" for outcome, _ in WatchedStation.kept for record in outcome.outgoing)


def _records_of_own_arrays(function: ast.FunctionDef) -> list[str]:
    """Names of arrays that a function makes and takes a record, or a row, out of."""
    made = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, ast.Name)
        and node.value.id in made
    ]


def test_no_compiled_function_that_makes_an_array_takes_a_record_out_of_it() -> None:
    """A record does not keep alive the array that it is in, so the array may be freed while the record is in use."""
    functions = [
        (path.name, node)
        for path in sorted(SOURCES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == "jit_with_arrays" for one in node.decorator_list)
    ]
    assert functions, "no function is compiled with arrays of its own: this test may go"
    for file, function in functions:
        assert _records_of_own_arrays(function) == [], f"{file}: {function.name}"


def test_the_check_of_records_finds_one() -> None:
    [function] = ast.parse("def f(p):\n    copies = np.empty(1, PROFILE)\n    copies[0] = p\n    q = copies[0]\n").body
    assert isinstance(function, ast.FunctionDef)
    assert _records_of_own_arrays(function) == ["copies"]
