"""Names and labels of the metrics follow the rules; the endpoint shows them; the reference is current."""

import socket
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stream import __version__, metrics
from stream.cli.metric_reference import LABELS, catalogue, reference
from stream.errors import SettingsError
from stream.metrics import Declaration
from stream.metrics.tally import ArrayHistogram
from tests.programs import required_program

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
CATALOGUE = catalogue()


def test_every_metric_of_the_registry_is_declared_and_prefixed() -> None:
    families = {family.name for family in metrics.REGISTRY.collect()}
    foreign = {name for name in families if not name.startswith(("stream_", "process_", "python_"))}
    assert not foreign
    declared = {
        declaration.name.removesuffix("_total").removesuffix("_info") for declaration in CATALOGUE
    }  # a family leaves its suffix to its samples
    assert {name.removesuffix("_info") for name in families if name.startswith("stream_")} == declared


def test_no_metric_is_declared_twice() -> None:
    names = [declaration.name for declaration in CATALOGUE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("declaration", CATALOGUE, ids=lambda declaration: declaration.name)
def test_a_metric_has_a_description_base_units_and_explained_labels(declaration: Declaration) -> None:
    assert declaration.what.endswith(".")
    assert not declaration.name.endswith(("_ms", "_milliseconds", "_us", "_kb", "_mb", "_percent", "_total_total"))
    assert declaration.name.endswith("_total") == (declaration.kind == "counter")
    assert set(declaration.labels) <= LABELS.keys()


def test_the_reference_is_current() -> None:
    assert PAGE.read_text("utf-8") == reference(), (
        "write it anew: python -m stream.cli.metric_reference docs/metrics.md"
    )


def test_promtool_finds_nothing_to_complain_about() -> None:
    promtool = required_program("promtool", "prometheus")
    exposition = generate_latest(metrics.REGISTRY).decode()
    ours = "".join(line for line in exposition.splitlines(keepends=True) if "stream_" in line)
    linted = subprocess.run(
        [promtool, "check", "metrics"], input=ours, capture_output=True, text=True, check=False, timeout=30
    )
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_the_endpoint_shows_the_metrics_on_the_port_it_returns() -> None:
    port = metrics.serve("127.0.0.1", 0)
    metrics.TIMERS_FIRED.labels(kind="landmark").inc()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        families = {family.name: family for family in text_string_to_metric_families(response.read().decode())}
    assert families["stream_build_info"].samples[0].labels["version"] == __version__
    assert any(sample.labels == {"kind": "landmark"} for sample in families["stream_timers_fired"].samples)
    assert "process_resident_memory_bytes" in families


def test_a_port_in_use_is_a_settings_error() -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        with pytest.raises(SettingsError, match="metrics_port"):
            metrics.serve("127.0.0.1", occupant.getsockname()[1])


BOUNDS = (0.001, 0.5, 1.0, 30.0)


@given(st.lists(st.lists(st.floats(0.0, 100.0) | st.sampled_from(BOUNDS), max_size=20), max_size=5))
def test_a_tally_shows_what_a_histogram_shows(runs: list[list[float]]) -> None:
    tally, one_by_one = CollectorRegistry(), CollectorRegistry()
    ours = ArrayHistogram("delay_seconds", "A delay.", BOUNDS)
    tally.register(ours)
    theirs = Histogram("delay_seconds", "A delay.", buckets=BOUNDS, registry=one_by_one)
    for run in runs:
        ours.observe(np.array(run))
        for value in run:
            theirs.observe(value)
    shown, expected = (
        {
            (sample.name, *sample.labels.values()): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }
        for registry in (tally, one_by_one)
    )
    assert shown == pytest.approx(expected)


def test_a_tally_counts_what_clocks_that_disagree_make_negative_as_nothing() -> None:
    tally = ArrayHistogram("delay_seconds", "A delay.", BOUNDS)
    tally.observe([-5.0])
    (family,) = tally.collect()
    assert [sample.value for sample in family.samples] == [1.0] * (len(BOUNDS) + 1) + [1.0, 0.0]
