"""The bar chart of `benchmarks.throughput`: ``python chart.py throughput.json throughput.png``.

A script for the environment of the peers, which has matplotlib.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

__all__ = ["draw"]

LABELS = {
    "stream": "stream worker",
    "faust": "plain Faust",
    "quix": "Quix Streams",
    "bytewax": "Bytewax",
    "bare": "no engine (librdkafka loop)",
    "floor": "reading and decoding only",
    "streams-exactly-once-100ms": "Kafka Streams, exactly once, 100 ms",
    "streams-exactly-once": "Kafka Streams, exactly once, 1 s",
    "streams": "Kafka Streams, at least once, 1 s",
    "streams-30s": "Kafka Streams, at least once, 30 s",
    "streams-memory": "Kafka Streams, in memory",
}


def draw(laws: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """Draw events/s of every engine, a colour for each law of customers, on a logarithmic axis."""
    engines = sorted(next(iter(laws.values())), key=lambda name: next(iter(laws.values()))[name]["events_per_s"])
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.55 * len(engines)), layout="constrained")
    height = 0.8 / len(laws)
    for k, (law, results) in enumerate(laws.items()):
        rates = [results[name]["events_per_s"] for name in engines]
        bars = axes.barh([row + k * height for row in range(len(engines))], rates, height, label=f"{law} customers")
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=4)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(engines))], [LABELS[name] for name in engines])
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel("events a second of one process, median of the rounds (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text())["laws"], Path(sys.argv[2]))
