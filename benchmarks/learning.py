"""The figures of docs/learning.md on the two real logs, through the production path: ``python -m benchmarks.learning``.

Runs `stream evaluate` with its defaults for each row and writes the table between the markers in docs/learning.md.
``--json FILE`` keeps the figures as well. Takes several minutes.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from stream.cli.evaluate import figures_of_rows, score_events
from stream.events.log import read_log
from stream.processing.rolling_origin import Rows
from stream.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "learning.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
#: The bar of every row.
MOST_ECE = 0.015
_HEAD = (
    "| log, horizon, weeks, population | rows | churned | AUC | log loss | Brier | ECE | bar | recency, frequency AUC |"
)


class Run(NamedTuple):
    """One replay; ``rows``: name, only those whose last order is at most so many days ago, bar (AUC, log loss)."""

    log: str
    horizon_days: float
    weeks: range
    rows: tuple[tuple[str, float | None, tuple[float, float]], ...]


CJ, UCI = "examples/complete_journey_events.csv.gz", "examples/uci_online_retail_events.csv.gz"
RUNS = (
    Run(CJ, 28, range(20, 49), (("CJ 28 d, 20-48, all", None, (0.878, 0.311)), ("... active", 56, (0.857, 0.282)))),
    Run(CJ, 56, range(24, 45), (("CJ 56 d, 24-44, all", None, (0.895, 0.211)),)),
    Run(UCI, 28, range(20, 49), (("UCI 28 d, 20-48, all", None, (0.744, 0.489)),)),
    Run(UCI, 91, range(26, 41), (("UCI 91 d, 26-40, active", 91, (0.763, 0.560)),)),
)


def figures(run: Run) -> list[dict[str, Any]]:
    """The figures of each row of a run, with its ``name``, its ``bar`` and the ``seconds`` of the replay."""
    began = monotonic()
    events = sorted(read_log(ROOT / run.log), key=lambda e: e.at_ms)
    rows = score_events(events, Settings(horizon_days=run.horizon_days), run.weeks, None)
    seconds = round(monotonic() - began, 1)
    return [
        figures_of_rows(_active(rows, active_days)) | {"name": name, "bar": bar, "seconds": seconds}
        for name, active_days, bar in run.rows
    ]


def _active(rows: Rows, active_days: float | None) -> Rows:
    if active_days is None:
        return rows
    chosen = rows.recency_days <= active_days
    return Rows(*(column[chosen] for column in rows))


def table(found: list[dict[str, Any]]) -> str:
    """The figures as a table; those short of their bar are in bold."""
    lines = [_HEAD, "|---" * _HEAD.count(" | ") + "|---|"]
    for row in found:
        auc, loss = row["bar"]
        baselines = row["baselines"]
        cells = (
            row["name"],
            f"{row['rows']:,}",
            f"{row['base_rate']:.3f}",
            _marked(row["auc"], short=row["auc"] < auc),
            _marked(row["log_loss"], short=row["log_loss"] > loss),
            f"{row['brier']:.4f}",
            _marked(row["ece"], short=row["ece"] > MOST_ECE),
            f"{auc:.3f}/{loss:.3f}",
            f"{baselines['recency']['auc']:.3f}, {baselines['frequency']['auc']:.3f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _marked(value: float, *, short: bool) -> str:
    return f"**{value:.4f}**" if short else f"{value:.4f}"


def main() -> None:
    """Run every row and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures as JSON too")
    parser.add_argument("--jobs", type=int, default=1, help="replays at a time")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = [row for rows in pool.map(figures, RUNS) for row in rows]
    written = table(found)
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{PAGE}: expected the markers {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", "utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    sys.stdout.write(written + "\n")


if __name__ == "__main__":
    main()
