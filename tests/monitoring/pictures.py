"""Pictures of the dashboards, drawn from a running system: ``python -m tests.monitoring.pictures build/dashboards``.

Grafana is not needed: Matplotlib draws the panels in the same places, with the same queries, units and limits, from the
answers of a real Prometheus.
"""

import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import click
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.monitoring.prometheus import Prometheus, Series
from tests.monitoring.queries import DASHBOARDS, resolved
from tests.monitoring.system import running_system
from tests.monitoring.test_live import variables_of
from tests.programs import required_program

__all__ = ["draw"]

EVENTS: Final = 20_000
EVENTS_PER_S: Final = 500.0
#: Seconds after the last event until everything has settled.
REST_S: Final = 8.0
RATE_INTERVAL: Final = "8s"
_COLUMN, _ROW = 1 / 24, 1 / 24
_UNITS: Final = {"s": " s", "cps": "/s", "reqps": "/s", "percentunit": " %", "bytes": " MB", "short": "", "none": ""}
_SCALES: Final = {"percentunit": 100.0, "bytes": 1e-6}
_LEGEND_ENTRIES: Final = 6


def draw(prometheus: Prometheus, page: Path, start_s: float, end_s: float, directory: Path) -> Path:
    """Draw one dashboard; return the file."""
    dashboard = json.loads(page.read_text("utf-8"))
    variables = variables_of(prometheus, page)
    figure = Figure(figsize=(19.2, 10.8), dpi=80, facecolor="#f4f5f5")
    figure.suptitle(dashboard["title"], x=0.01, y=0.99, ha="left", fontsize=13)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] * _COLUMN, 0.96 - place["y"] * _ROW * 0.96
        width, height = place["w"] * _COLUMN, place["h"] * _ROW * 0.96
        axes = figure.add_axes((left + 0.022, top - height + 0.035, width - 0.03, height - 0.065))
        answers = []
        for target in panel["targets"]:
            expr = resolved(target["expr"], variables, RATE_INTERVAL)
            answers.append((target["legendFormat"], prometheus.range(expr, start_s, end_s, 1.0)))
        if panel["type"] == "stat":
            _number(axes, panel, answers[0][1])
        else:
            _lines(axes, panel, answers, start_s)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{page.stem}.png"
    figure.savefig(path)
    return path


def _unit(panel: Any) -> tuple[str, float]:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    return _UNITS[unit], _SCALES.get(unit, 1.0)


def _number(axes: Axes, panel: Any, series: list[Series]) -> None:
    suffix, scale = _unit(panel)
    values = [float(value) for entry in series for _, value in entry["values"] if not math.isnan(float(value))]
    colour = "#555555"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if values and (step["value"] is None or values[-1] >= step["value"]):
            colour = {"green": "#299c46", "orange": "#ed8128", "red": "#d44a3a"}[step["color"]]
    figures = ",.0f" if "decimals" in panel["fieldConfig"]["defaults"] else ",.3g"
    text = f"{values[-1] * scale:{figures}}{suffix}" if values else "none"
    axes.set_title(panel["title"], fontsize=8, loc="left", pad=2)
    axes.text(0.5, 0.45, text, transform=axes.transAxes, ha="center", va="center", fontsize=17, color=colour)
    axes.set_xticks([])
    axes.set_yticks([])


def _lines(axes: Axes, panel: Any, answers: list[tuple[str, list[Series]]], start_s: float) -> None:
    suffix, scale = _unit(panel)
    axes.set_title(panel["title"], fontsize=8, loc="left", pad=3)
    drawn = 0
    for legend, series in answers:
        for entry in sorted(series, key=lambda one: -max(float(value) for _, value in one["values"])):
            points = [(at_s - start_s, float(value) * scale) for at_s, value in entry["values"]]
            label = legend
            for name, text in entry["metric"].items():
                label = label.replace("{{" + name + "}}", text)
            shown = label if drawn < _LEGEND_ENTRIES else None
            axes.plot(*zip(*points, strict=True), linewidth=1.1, label=shown)
            drawn += 1
    custom = panel["fieldConfig"]["defaults"]
    if custom.get("custom", {}).get("thresholdsStyle", {}).get("mode") == "line":
        limit = custom["thresholds"]["steps"][-1]["value"] * scale
        if axes.get_ylim()[1] > limit / 3:
            axes.axhline(limit, color="#d44a3a", linewidth=0.8, linestyle="--")
    bottom, top = axes.get_ylim()
    if "axisSoftMin" in custom.get("custom", {}):
        bottom = min(0.0, bottom)
    axes.set_ylim(bottom, top + 0.3 * (top - bottom))  # room for the legend
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}{suffix}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} s"))
    axes.tick_params(labelsize=6, length=2)
    axes.grid(visible=True, linewidth=0.3)
    if drawn:
        axes.legend(fontsize=5.5, loc="upper left", framealpha=0.6, ncols=2)


def _main(directory: Path) -> None:
    mpl.rcParams["axes.facecolor"] = "white"
    program = required_program("prometheus", "prometheus")
    with (
        tempfile.TemporaryDirectory(prefix="stream-pictures-") as scratch,
        running_system(program, Path(scratch), events=EVENTS, rate=EVENTS_PER_S) as system,
    ):
        while not system.fed():
            system.check()
            time.sleep(0.5)
        time.sleep(REST_S)
        for page in DASHBOARDS:
            click.echo(draw(system.prometheus, page, system.began_s, time.time(), directory))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
