"""How far a comparison is: lines for people and for programs, where there is no terminal for a bar."""

from collections.abc import Iterator

import pytest

from stream.cli.whatif_progress import shown_stages
from stream.whatif.trial_progress import LEARNING, StageProgress, decode_progress


def told(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> list[str]:
    """What is written while 1,000 events take 2 s for each hundred."""
    clock: Iterator[float] = iter(range(0, 1000, 2))
    with shown_stages(as_json=as_json, monotonic=lambda: float(next(clock)))(LEARNING, 1000) as advance:
        for done in range(100, 1001, 100):
            advance(done)
    return capsys.readouterr().err.splitlines()


def test_people_read_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, as_json=False) == [
        "stream: learning: 50%, about 10 s left",
        "stream: learning: 100%, about 0 s left",
    ]


def test_programs_read_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = [decode_progress(line.encode()) for line in told(capsys, as_json=True)]
    # the first step tells nothing of the others
    left = [None, *(float(20 - 2 * k) for k in range(2, 11))]
    assert found == [StageProgress(LEARNING, k / 10, left_s) for k, left_s in enumerate(left, 1)]


@pytest.mark.parametrize("line", [b"", b"stream: no Kafka", b"{", b"[]", b'{"stage": "learning"}', b"\xff"])
def test_other_lines_are_no_progress(line: bytes) -> None:
    assert decode_progress(line) is None
