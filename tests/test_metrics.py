"""Names and labels of the metrics follow the rules; the endpoint shows them."""

import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from stream import __version__, metrics
from stream.errors import SettingsError

OURS = [family for family in metrics.REGISTRY.collect() if family.name.startswith("stream_")]
BOUNDED_LABELS = {
    *("type", "outcome", "reason", "problem", "phase", "topic", "partition", "operation"),
    *("kind", "cause", "churned", "model", "version", "python"),
}


def declared_names() -> set[str]:
    """The metrics that the module exports."""
    return {name for name in metrics.__all__ if name.isupper() and name != "REGISTRY"}


def test_every_registered_metric_is_exported_and_prefixed() -> None:
    foreign = {
        family.name
        for family in metrics.REGISTRY.collect()
        if not family.name.startswith(("stream_", "process_", "python_"))
    }
    assert not foreign
    assert len(OURS) == len(declared_names())


@pytest.mark.parametrize("family", OURS, ids=lambda family: family.name)
def test_a_metric_has_a_description_and_no_scaled_unit(family: Metric) -> None:
    assert family.documentation
    assert not family.name.endswith(("_ms", "_milliseconds", "_us", "_kb", "_mb", "_percent", "_total_total"))


@pytest.mark.parametrize("name", sorted(declared_names()))
def test_labels_are_from_the_bounded_set(name: str) -> None:
    assert set(getattr(metrics, name)._labelnames) <= BOUNDED_LABELS


def test_only_counters_end_in_total() -> None:
    for name in declared_names():
        metric = getattr(metrics, name)
        exposed = {sample.name for family in metric.describe() for sample in family.samples}
        exposed |= {f"{metric._name}_total"} if metric._type == "counter" else {metric._name}
        assert all(sample.endswith("_total") == (metric._type == "counter") for sample in exposed), name


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
