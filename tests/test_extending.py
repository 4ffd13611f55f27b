"""What docs/extending.md shows works as it is written, in a copy of the sources."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.md"
#: By the heading of a section: what must hold of a program with the addition.
HOLDS = {
    "A feature over a window": """
from stream.features.registry import FEATURES
assert {"cart_additions_7d"} <= {feature.name for feature in FEATURES}
""",
    "A feature with an expression": """
from stream.features import vector
from stream.features.registry import COLUMN
assert vector._EMAILS_SENT == COLUMN["emails_sent_total"]
""",
    "An event name": """
from stream.catalogue.events import EventKind
from stream.events.kinds import KIND_OF, EventType
assert KIND_OF[EventType.CLICK, "wishlist_changed"] is EventKind.WISHLIST_CHANGED
""",
    "An event type": """
from stream.catalogue.personal import PERSONAL
from stream.catalogue.register import TOPIC_STORES
from stream.cli.contracts import CONTRACTS, schema_of
from stream.settings import Settings
assert "which shop" in str(schema_of(CONTRACTS["visit-event"]))
assert "events.visit" in Settings().topics
assert TOPIC_STORES["events.visit"].why == "to know who comes to the shop"
assert "minutes" in PERSONAL["visit-event"]
""",
    "A channel": """
from stream.catalogue.events import CHANNELS
assert "complaint" in {channel.name for channel in CHANNELS}
""",
    "A topic": """
from stream.catalogue.register import TOPIC_STORES
from stream.settings import Settings
assert "kpis" in Settings().topics
assert TOPIC_STORES["kpis"].why == "to see how the shop is doing"
""",
    "An output of the document": """
from stream.catalogue.outputs import OUTPUTS
from stream.catalogue.personal import PERSONAL
from stream.processing import document
assert OUTPUTS["refunded"] == 4
assert document._REFUNDED == [*OUTPUTS].index("refunded")
assert "refunded" in PERSONAL["customer"]
""",
    "A sentence": """
from stream.features.registry import FEATURES
(tenure,) = (feature for feature in FEATURES if feature.name == "tenure")
assert tenure.wording.low(3.0) == "New here: a customer for only 3 days."
""",
    "A model": """
from stream.online_models.learner import Learner
from stream.online_models.components.order_total import OrderTotal
learner = Learner()
assert learner.of(OrderTotal).snapshot() is None
assert learner.of(OrderTotal).describe() == "counts orders of 0 labels"
""",
    "A projection": """
from stream.projections.all_projections import PROJECTIONS, projections_of
from stream.reporting.processing_register import register_of
from stream.settings import Settings
(clicks,) = projections_of(Settings(projections="clicks"))
state = clicks.fold({}, [("ann", None), ("ann", None)]).states["ann"]
assert state.count == 2
(entry,) = (entry for entry in register_of(Settings()) if entry.where == "Redis, projection clicks")
assert entry.why == "to see who looks often"
""",
}


class Hunk(NamedTuple):
    """Lines of a file that stand one after the other, and what they become."""

    before: list[str]
    after: list[str]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def hunks_of(block: str) -> Iterator[tuple[str, Hunk]]:
    """The files of a diff and their hunks; lines ``...`` stand for some that are left out."""
    path, hunk = "", Hunk([], [])
    for line in block.splitlines():
        header = re.fullmatch(r" # (stream/\S+)|\+\+\+ b/(stream/\S+)", line)
        if header or line == " ..." or line.startswith("--- "):
            if hunk.after or hunk.before:
                yield path, hunk
            hunk = Hunk([], [])
            path = (header[1] or header[2]) if header else path
            continue
        mark, text = line[:1], line[1:]
        assert mark in {" ", "+", "-"}, line
        if mark != "+":
            hunk.before.append(text)
        if mark != "-":
            hunk.after.append(text)
    yield path, hunk


def applied(lines: list[str], hunk: Hunk) -> list[str]:
    """The lines of a file with a hunk, which must fit in one place."""
    size = len(hunk.before)
    places = [k for k in range(len(lines) - size + 1) if lines[k : k + size] == hunk.before]
    assert len(places) == 1, f"{len(places)} places have {hunk.before}"
    return [*lines[: places[0]], *hunk.after, *lines[places[0] + size :]]


def extended(section: str, directory: Path) -> set[str]:
    """Copy the sources with the diffs of a section; return the files that they touch."""
    copy = directory / "stream"
    shutil.copytree(ROOT / "stream", copy, ignore=shutil.ignore_patterns("__pycache__"))
    touched = set()
    for block in re.findall(r"^```diff\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL):
        for name, hunk in hunks_of(block):
            path = directory / name
            lines = path.read_text("utf-8").splitlines() if path.exists() else []
            path.write_text("\n".join(applied(lines, hunk) if hunk.before else hunk.after) + "\n", "utf-8")
            touched.add(name)
    return touched


@pytest.mark.parametrize("heading", HOLDS)
def test_an_addition_works_as_it_is_written_and_touches_two_files_at_most(heading: str, tmp_path: Path) -> None:
    touched = extended(sections()[heading], tmp_path)
    assert 1 <= len(touched) <= 2
    done = subprocess.run(
        [sys.executable, "-c", HOLDS[heading]],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_section_with_a_diff_is_tried() -> None:
    assert {heading for heading, text in sections().items() if "```diff" in text} == {*HOLDS}
