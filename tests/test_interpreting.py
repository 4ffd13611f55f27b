"""Kernels that run as Python compute what compiled ones compute, to the last bit."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.compiling import interpreted, jit
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.features.varint import get_float, get_grid_time, get_int, put_float, put_grid_time, put_int
from stream.online_models.learner import Learner, LearnerSettings
from stream.processing.replay import Replay
from stream.processing.rules import Rules

DAY_S = 86_400
START_S = 1_700_000_000

WHOLE = st.integers(-(2**62) + 1, 2**62 - 1)
KINDS = {
    "completed": EventType.PURCHASE,
    "refunded": EventType.PURCHASE,
    "cancelled": EventType.PURCHASE,
    "page_viewed": EventType.CLICK,
    "product_added": EventType.CLICK,
    "opened": EventType.EMAIL,
    "unsubscribed": EventType.EMAIL,
}
MOMENTS = st.tuples(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["Ann", "Bo"]),
    st.floats(0.0, 120.0, allow_nan=False),
    st.integers(1, 50_000),
)


def event(number: int, name: str, customer: str, day: float, cents: int) -> LogEvent:
    at_s = int(START_S + day * DAY_S)
    value: dict[str, Any] = {"event_id": str(number), "customer_id": customer, "occurred_at": at_s, "name": name}
    if KINDS[name] is EventType.PURCHASE:
        value |= {"order_id": f"{customer}-{cents % 5}", "amount": cents / 100, "currency": "EUR"}
    return LogEvent(KINDS[name], customer, at_s * 1000, json.dumps(value).encode())


def documents_of(events: list[LogEvent]) -> dict[str, bytes]:
    replay = Replay(Rules(), Learner(LearnerSettings()), Decoder(), (START_S + 365 * DAY_S) * 1000)
    assert [*replay.run(events)]
    return replay.documents


@given(st.lists(MOMENTS, min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_documents_and_packed_profiles_are_the_same_byte_for_byte(moments: list[tuple[str, str, float, int]]) -> None:
    ordered = sorted(moments, key=lambda moment: moment[2])
    events = [event(number, *moment) for number, moment in enumerate(ordered)]
    with interpreted():
        by_python = documents_of(events)
    assert by_python == documents_of(events)


@given(WHOLE, st.floats(), WHOLE, WHOLE, st.integers(0, DAY_S * 1000 - 1))
def test_numbers_are_packed_the_same(whole: int, real: float, time: int, base: int, phase: int) -> None:
    def packed() -> tuple[bytes, list[object]]:
        buffer = np.zeros(64, np.uint8)
        at = put_float(buffer, put_int(buffer, 0, whole), real)
        end = put_grid_time(buffer, at, time >> 3, base >> 3, phase)
        first, after = get_int(buffer, 0)
        second, after = get_float(buffer, after)
        third, after = get_grid_time(buffer, after, base >> 3, phase)
        return buffer.tobytes(), [first, np.float64(second).tobytes(), third, after == end]

    with interpreted():
        by_python = packed()
    assert by_python == packed()


@jit
def _sums(narrow: Any, records: Any) -> Any:
    record = records[0]
    record.total = narrow[0] * 86_400_000
    return (narrow[0] > 1) + (record.total > 1), np.uint32(narrow[1]) << np.uint32(8), record.total


def test_numbers_are_as_wide_as_compiled_code_makes_them() -> None:
    """NumPy's own numbers overflow in the first, and are true instead of 2 in the second."""
    narrow = np.array([20_000, -1], np.int32)
    by_kind = []
    for is_compiled in (False, True):
        records = np.zeros(1, [("total", np.int64)])
        if is_compiled:
            result = _sums(narrow, records)
        else:
            with interpreted():
                result = _sums(narrow, records)
        by_kind.append((result[0], result[2], int(records["total"][0])))
    assert by_kind == [(2, 20_000 * 86_400_000, 20_000 * 86_400_000)] * 2


def test_nothing_is_imported_to_interpret() -> None:
    code = (
        "import sys; import numpy as np; from stream.compiling import interpreted; from stream.features import codec\n"
        "with interpreted():\n"
        "    print(codec.put_uint(np.zeros(9, np.uint8), 0, 300), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
