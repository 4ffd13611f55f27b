"""Kernels that run as Python give what compiled ones give."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.processing.document import packed_state
from stream.processing.kernel import Kernel
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from tests.features.lists_of_events import BEGIN, DAY, event_lists
from tests.features.profiles import Profile
from tests.oracle.event import Event

LOG = Path(__file__).parents[1] / "examples" / "complete_journey_events.csv.gz"
EVENTS = 10_000
#: The time of the last of them.
LAST_MS = 1_485_297_478_000
#: Every so many customers are computed as Python.
EVERY = 7

#: Says what each customer is given, and whether Numba was needed.
INTERPRETING = """
import pickle, sys
from stream.compiling import interpret_kernels
interpret_kernels()
from tests.test_kernel_interpreter import given_of
sys.stdout.buffer.write(pickle.dumps([*given_of(*pickle.load(sys.stdin.buffer)), "numba" in sys.modules]))
"""

KERNELS = """
import math, sys
import numpy as np
from stream.compiling import interpret_kernels, jit
interpret_kernels()

@jit
def scaled(values, times, factor):
    total = 0
    for k in range(values.shape[0]):
        total += values[k] * factor
    times[0] = total
    return total

@jit
def log_of(record, at):
    record.seen += 1
    return math.log(record.of[at])

values, times = np.array([3, 4], np.int32), np.zeros(1, np.int64)
print(scaled(values, times, 2), times, "numba" in sys.modules)
records = np.zeros(3, np.dtype([("seen", np.int64), ("of", np.float64, (2,))]))
records["of"] = 1.0
print(log_of(records[1], 0), records["seen"], "numba" in sys.modules)
# what does not fit into 32 bits fits into the integers of compiled code
print(scaled(values, times, 2**30), times, "numba" in sys.modules)
records["of"][2, 1] = 0.0
print(log_of(records[2], 1), log_of(records[2], 0))
"""


def given_of(states: list[tuple[str, bytes]], snapshot: bytes, now_ms: int) -> Iterator[tuple[bytes, ...]]:
    """What `stream customer` takes from kernels: scores, and the profile in readable form."""
    from stream.cli.profile_view import readable_profile

    model, rules = Scorer.of(decode_snapshot(snapshot)).model, Rules()
    kernel = Kernel(rules)
    for name, state in states:
        scores = kernel.score([name], [state], now_ms, model)
        arrays = (scores.values, scores.inputs, scores.risks, scores.habits)
        shown = readable_profile(name, state, rules.under(model), model)
        yield *(array.tobytes() for array in arrays), repr(shown).encode()


def printed(program: str, stdin: bytes = b"") -> Any:
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, timeout=240, check=True).stdout


@pytest.fixture(scope="module")
def replay() -> Replay:
    """A shop with all kinds of events, and the models of then."""
    events = sorted(read_log(LOG), key=lambda event: event.at_ms)[:EVENTS]
    replay = Replay(Rules(), Learner(LearnerSettings()), Decoder(), LAST_MS)
    assert [*replay.run(events)][-1] == EVENTS
    return replay


def assert_same(states: list[tuple[str, bytes]], replay: Replay, now_ms: int) -> None:
    assert replay.scorer.snapshot is not None
    asked = states, encode_snapshot(replay.scorer.snapshot), now_ms
    *interpreted, needed_numba = pickle.loads(printed(INTERPRETING, pickle.dumps(asked)))  # noqa: S301 - our own
    assert interpreted == [*given_of(*asked)]
    assert not needed_numba


@pytest.mark.timeout(400)
@pytest.mark.parametrize("later_ms", [0, 40 * 86_400_000], ids=["at once", "when tiles have run out"])
def test_customers_of_a_real_log_get_the_same_to_the_bit(replay: Replay, later_ms: int) -> None:
    names = sorted(replay.documents)[::EVERY]
    assert len(names) > 100
    assert_same([(name, packed_state(replay.documents[name])) for name in names], replay, LAST_MS + later_ms)


@pytest.mark.timeout(400)
def test_random_customers_of_both_layouts_get_the_same_to_the_bit(replay: Replay) -> None:
    states: list[tuple[str, bytes]] = []

    @settings(max_examples=100)
    @given(event_lists(), st.sampled_from([LAYOUT, LAYOUT_BEFORE]))
    def draw(events: list[Event], layout: int) -> None:
        profile = Profile()
        profile.apply(events)
        states.append(("somebody", profile.packed(layout)))

    draw()
    assert_same(states, replay, BEGIN + 90 * DAY)


@pytest.mark.timeout(250)
def test_what_goes_wrong_as_python_is_compiled_and_run_again(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(KERNELS)
    assert printed(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import program").decode().splitlines() == [
        "14 [14] False",
        "0.0 [0 1 0] False",
        f"{7 * 2**30} [{7 * 2**30}] True",
        "-inf 0.0",
    ]
