"""Samples of stacks in, a picture out."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.flame_graph import draw, folded

LINES = [
    "MainThread;run (stream/agents/worker.py:10);step (stream/agents/stepping.py:5) 60",
    "MainThread;run (stream/agents/worker.py:10);<lambda> (redis/client.py:7) 39",
    "MainThread;run (stream/agents/worker.py:10);rare (redis/client.py:8) 1",
    "fetching;poll (aiokafka/client.py:7) 300",
]
SVG = "{http://www.w3.org/2000/svg}"


def test_a_frame_is_as_wide_as_its_share_and_over_its_caller() -> None:
    root = folded(LINES)
    assert root.samples == 400
    graph = ET.fromstring(draw(root, "a < b"))  # noqa: S314 - it is ours
    boxes = {}
    for group in graph.iter(f"{SVG}g"):
        title, box = group.findtext(f"{SVG}title") or "", group.find(f"{SVG}rect")
        assert box is not None
        boxes[title.rpartition(": ")[0].partition(" ")[0]] = {
            name: float(box.get(name) or 0) for name in ("x", "y", "width")
        }
    assert boxes["all"]["width"] == pytest.approx(1200)
    assert boxes["poll"]["width"] == pytest.approx(900)
    assert boxes["step"]["width"] == pytest.approx(180)
    assert boxes["step"]["y"] < boxes["run"]["y"] < boxes["MainThread"]["y"] < boxes["all"]["y"]
    # beside each other, within the caller
    assert boxes["run"]["x"] == boxes["<lambda>"]["x"]
    assert boxes["step"]["x"] >= boxes["<lambda>"]["x"] + boxes["<lambda>"]["width"] - 0.1
    # 0.25 % of the samples: too narrow to read
    assert "rare" not in boxes


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        folded(["nothing here"])
