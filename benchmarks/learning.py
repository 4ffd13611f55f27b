"""The figures of docs/learning.md on the two real logs, through the production path: ``python -m benchmarks.learning``.

Runs `stream evaluate` with its defaults for each row and writes the table between the markers in docs/learning.md, and
the deciles of the expected spend, of the same replays at 28 days, between those in docs/models.md. ``--json FILE``
keeps the figures as well. Takes several minutes.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from stream.cli.backtest_value import figures_of_value
from stream.cli.evaluate import figures_of_rows, score_events
from stream.events.log import read_log
from stream.processing.rolling_origin import Rows
from stream.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE, VALUE_PAGE = ROOT / "docs" / "learning.md", ROOT / "docs" / "models.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
#: The bar of every row.
MAX_ECE = 0.015
_HEAD = (
    "| log, horizon, weeks, population | rows | churned | AUC | log loss | Brier | ECE | bar | recency, frequency AUC |"
)


class Run(NamedTuple):
    """One replay; ``rows``: name, only those whose last order is at most so many days ago, bar (AUC, log loss).

    ``value``: the heading of the expected spend, where its deciles are shown.
    """

    log: str
    horizon_days: float
    weeks: range
    rows: tuple[tuple[str, float | None, tuple[float, float]], ...]
    value: str | None = None


CJ, UCI = "examples/complete_journey_events.csv.gz", "examples/uci_online_retail_events.csv.gz"
RUNS = (
    Run(
        CJ,
        28,
        range(12, 49),
        (("CJ 28 d, 20-48, all", None, (0.878, 0.311)), ("... active", 56, (0.857, 0.282))),
        "The Complete Journey",
    ),
    Run(CJ, 56, range(24, 45), (("CJ 56 d, 24-44, all", None, (0.895, 0.211)),)),
    Run(UCI, 28, range(12, 49), (("UCI 28 d, 20-48, all", None, (0.744, 0.489)),), "Online Retail"),
    Run(UCI, 91, range(26, 41), (("UCI 91 d, 26-40, active", 91, (0.763, 0.560)),)),
)


#: Churn is evaluated from here on, the value from week 12.
_FIRST_WEEK = 20


def figures(run: Run) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Of each row of a run, with its ``name``, its ``bar`` and the ``seconds`` of the replay; and of its value."""
    began = monotonic()
    events = sorted(read_log(ROOT / run.log), key=lambda e: e.at_ms)
    rows = score_events(events, Settings(horizon_days=run.horizon_days), run.weeks, None)
    seconds = round(monotonic() - began, 1)
    late = rows.where(rows.week >= _FIRST_WEEK)
    churn = [
        figures_of_rows(_active(late, active_days)) | {"name": name, "bar": bar, "seconds": seconds}
        for name, active_days, bar in run.rows
    ]
    return churn, None if run.value is None else figures_of_value(rows) | {"name": run.value}


def _active(rows: Rows, active_days: float | None) -> Rows:
    return rows if active_days is None else rows.where(rows.recency_days <= active_days)


def value_table(found: list[dict[str, Any]]) -> str:
    """Expected over came, with standard errors over customers, of each log in a column of its own."""
    head = ["", *(cell for of in found for cell in (f"{of['name']}: expected", "came", "ratio"))]
    lines = [f"| {' | '.join(head)} |", f"|---{'|---' * 3 * len(found)}|"]
    names = ("orders", "spend", *(f"decile {k + 1} of expected spend" for k in range(10)))
    for k, name in enumerate(names):
        cells = [name]
        for of in found:
            part = of[name] if k < 2 else of["deciles"][k - 2]  # noqa: PLR2004 - the two totals come first
            cells += [f"{part['expected']:,.0f}", f"{part['came']:,.0f}", f"{part['ratio']:.3f} ± {part['error']:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    ranks = {"rank correlation": "rank_correlation", "largest tenth brings": "largest_tenth", "Gini": "gini"}
    for label, key in ranks.items():
        cells = [f"{label} (as in the last horizon)"]
        for of in found:
            cells += [f"{of[key]['spend']:.3f} ({of[key]['spend_same_as_last_horizon']:.3f})", "", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
            _marked(row["ece"], short=row["ece"] > MAX_ECE),
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
        found = list(pool.map(figures, RUNS))
    churn = [row for rows, _ in found for row in rows]
    value = [of for _, of in found if of is not None]
    for page, written in ((PAGE, table(churn)), (VALUE_PAGE, value_table(value))):
        _write(page, written)
        sys.stdout.write(written + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps({"churn": churn, "value": value}, indent=2) + "\n", "utf-8")


def _write(page: Path, written: str) -> None:
    """Put a table between the markers of a page."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{page}: expected the markers {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
