"""A kept demo copes with events of today: the README's producer causes no wave of alerts and no false labels."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, clean_environment
from tests.cli.shop_runs import page_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DEADLINE_S = 400.0
#: About two and a half months: a model has learned from thousands of labels, and alerts have been raised.
EVENTS = 32_000


@contextmanager
def kept_demo(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A demo that keeps running; yields the environment that it names for other shells."""
    command = [sys.executable, "-m", "stream", "demo", "--keep", "--limit", str(EVENTS), "--workers", "1"]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, env=clean_environment(PYTHONUNBUFFERED="1"), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while "Running until Ctrl-C" not in (told := (tmp_path / "out").read_text()):
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        yield clean_environment(**dict(re.findall(r"^export (\w+)=(.*)$", told, re.MULTILINE)))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)
    assert process.returncode == 0, (tmp_path / "out").read_text()


LOOK = """
import json, sys
from stream.settings import Settings
from stream.storage.overview import Overview
import os
with Overview(Settings.from_env(os.environ)) as overview:
    totals = overview.totals()
    c = totals.counters
    print(json.dumps({"in": c.events_in, "applied": c.applied, "labels": c.labels, "alerts": c.alerts_raised,
                      "landmarks": c.landmarks, "late": c.dead_letters}))
"""


def look(environment: dict[str, str]) -> dict[str, int]:
    found: dict[str, int] = json.loads(
        subprocess.check_output([sys.executable, "-c", LOOK], env=environment, text=True, timeout=DEADLINE_S)
    )
    return found


def at_rest(environment: dict[str, str]) -> dict[str, int]:
    """What is counted when workers have nothing left of the log: they still look at those whose time has come."""
    found, deadline = look(environment), time.monotonic() + DEADLINE_S
    while (again := look(environment)) != found:
        assert time.monotonic() < deadline, (found, again)
        found = again
        time.sleep(1.0)
    return found


def champion(environment: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "stream", "models", "--json"]
    return json.loads(subprocess.check_output(command, env=environment, text=True, timeout=DEADLINE_S))["in_use"][
        "model"
    ]


def test_the_producer_of_the_readme_does_not_move_the_demo_through_time(tmp_path: Path) -> None:
    (snippet,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
        if "Producer(" in block and "import Consumer" not in block
    ]
    with kept_demo(tmp_path) as environment:
        (address,) = re.findall(r"^The console: (\S+)$", (tmp_path / "out").read_text(), re.MULTILINE)
        deadline = time.monotonic() + DEADLINE_S
        while "events.purchase" not in page_of(f"{address}system"):
            assert time.monotonic() < deadline, (tmp_path / "out").read_text()
            time.sleep(0.2)
        assert "Since yesterday" in page_of(address)
        before, scoring = at_rest(environment), champion(environment)
        assert before["alerts"] > 0
        assert before["labels"] > 1000
        subprocess.run([sys.executable, "-c", snippet], env=environment, check=True, timeout=DEADLINE_S)
        (example,) = re.findall(r"^\S.* produce (\S+events\.jsonl)$", (tmp_path / "out").read_text(), re.MULTILINE)
        command = [sys.executable, "-m", "stream", "produce", example]
        subprocess.run(command, env=environment, check=True, timeout=DEADLINE_S)
        deadline = time.monotonic() + DEADLINE_S
        while (after := look(environment))["applied"] < before["applied"] + 9:
            assert time.monotonic() < deadline, (before, after)
            time.sleep(0.5)
        # the usual number of an hour, which goes by the hour of the day; a wave would be hundreds of alerts, and nearly
        # as many labels and landmarks as there have been
        assert after["alerts"] - before["alerts"] <= 5
        assert after["labels"] - before["labels"] <= before["labels"] // 20
        assert after["landmarks"] - before["landmarks"] <= before["landmarks"] // 20
        assert after["late"] == before["late"]
        assert champion(environment) == scoring
