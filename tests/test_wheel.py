"""The package alone, installed from its wheel: documented commands work outside of the sources."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stream.events.log import read_log
from tests.cli.conftest import clean_environment

ROOT = Path(__file__).parents[1]
BUILD_S = 120.0
RUN_S = 400.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_S + 3 * RUN_S)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel of these sources has been unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        timeout=BUILD_S,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, tmp_path: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run ``stream`` from the unpacked wheel, in a folder that has nothing of the sources."""
    environment = clean_environment(**{"PYTHONPATH": str(installed), **variables})
    environment.pop("NUMBA_CACHE_DIR", None)
    return subprocess.run(
        [sys.executable, "-P", "-m", "stream", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_the_examples_are_in_the_package(installed: Path) -> None:
    packaged = {path.name: path.read_bytes() for path in (installed / "stream" / "examples").iterdir()}
    kept = {path.name: path.read_bytes() for path in (ROOT / "examples").iterdir() if path.name in packaged}
    assert packaged == kept
    assert {"complete_journey_events.csv.gz", "events.jsonl", "README.md"} <= packaged.keys()


def test_the_demo_and_a_replay_work_and_nothing_but_the_cache_is_written_to_the_package(
    installed: Path, tmp_path: Path
) -> None:
    before = {path for path in installed.rglob("*") if "__pycache__" not in path.parts}
    where = "import stream.cli.bundled as b; print(b.bundled('events.jsonl'))"
    environment = clean_environment(PYTHONPATH=str(installed))
    found = subprocess.check_output([sys.executable, "-P", "-c", where], cwd=tmp_path, env=environment, text=True)
    assert Path(found.strip()).is_relative_to(installed)

    replayed = run(installed, tmp_path, "replay", found.strip(), "--summary", "summary.json")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads((tmp_path / "summary.json").read_bytes())["applied"] == 6

    shown = run(
        installed, tmp_path, "demo", "--limit", "2000", "--rate", "0", "--workers", "1", "--summary", "demo.json"
    )
    assert shown.returncode == 0, shown.stderr
    assert json.loads((tmp_path / "demo.json").read_bytes())["applied"] == 2000
    assert {path for path in installed.rglob("*") if "__pycache__" not in path.parts} == before


def test_the_example_events_are_good() -> None:
    assert len(list(read_log(ROOT / "examples" / "events.jsonl"))) == 6
