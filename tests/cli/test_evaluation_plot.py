import sys
from pathlib import Path

import numpy as np
import pytest

from stream.cli.evaluation_plot import plot
from stream.errors import SettingsError
from stream.processing.rolling_origin import Rows


@pytest.fixture
def rows() -> Rows:
    generator = np.random.default_rng(1)
    count = 2_000
    risk = generator.uniform(0.0, 1.0, count)
    return Rows(
        week=np.repeat(np.arange(20, 24), count // 4),
        customer=np.arange(count),
        risk=risk,
        churned=generator.random(count) < risk,
        recency_days=100.0 * risk + generator.uniform(0, 50, count),
        orders=generator.integers(1, 30, count).astype(float),
        base_rate=np.full(count, 0.5),
        process_risk=risk,
        **{name: np.zeros(count) for name in Rows._fields if name.startswith(("expected_", "came_", "last_"))},
    )


def test_the_picture_is_written(rows: Rows, tmp_path: Path) -> None:
    path = tmp_path / "figures.png"
    plot(rows, path, "made up")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_an_unknown_format_is_refused(rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        plot(rows, tmp_path / "figures.nonsense", "made up")


def test_without_matplotlib_the_error_says_what_to_install(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SettingsError, match="customer-stream\\[plots\\]"):
        plot(rows, tmp_path / "figures.png", "made up")
