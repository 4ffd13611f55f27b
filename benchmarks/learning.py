"""The figures of docs/learning.md, through the production path: ``python -m benchmarks.learning [--row NAME ...]``.

Each row is what `stream evaluate` gives with its defaults, beside references that are refitted every week
(`benchmarks.references`), and in simulated shops beside the true risk. `benchmarks.learning_runs` has the runs and
their rows; all of them take more than an hour. The figures go into ``--json``, beside those of earlier runs.
``--write`` puts the tables of that file between their markers in docs/learning.md and docs/models.md.
"""

import argparse
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.learning_played import Played
from benchmarks.learning_runs import RUNS, Row, Run
from benchmarks.learning_tables import bar_table, unseen_table, value_table
from benchmarks.pages import write_table
from stream.cli.backtest_value import figures_of_value
from stream.cli.evaluate import figures_of_rows
from stream.processing import figures

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / "benchmarks" / "learning.json"
PAGE, VALUE_PAGE = ROOT / "docs" / "learning.md", ROOT / "docs" / "models.md"
#: Expected orders and spend are evaluated from here on.
_VALUE_FROM: Final = 12

Figures = dict[str, Any]
Floats = npt.NDArray[np.float64]


def figures_of_run(run: Run, kept: Figures | None = None) -> Figures:
    """The figures of each row of a run under ``churn``, those of the value, and the ``seconds`` of the replay.

    ``kept``: figures of an earlier run, whose references and truth are used again: they do not depend on the churn
    model.
    """
    played = Played(run)
    began = monotonic()
    risks = {} if kept else played.references()
    truth = played.truth()
    churn = [_figures(row, played, risks, truth) for row in run.rows]
    for row, before in zip(churn, kept["churn"] if kept else churn, strict=True):
        if (row["name"], row["rows"], row["base_rate"]) != (before["name"], before["rows"], before["base_rate"]):
            raise SystemExit(f"{run.name}: the rows are not those of the kept references; run it without --keep")
        row["references"] = before["references"]
    late = played.rows.where(played.rows.week >= _VALUE_FROM)
    return {
        "churn": churn,
        "value": None if run.value is None else figures_of_value(late) | {"name": run.value},
        "seconds": played.seconds,
        "reference_seconds": kept["reference_seconds"] if kept else round(monotonic() - began, 1),
    }


def _figures(row: Row, played: Played, risks: dict[str, Floats], truth: Floats | None) -> Figures:
    rows = played.rows
    chosen = (rows.week >= row.weeks[0]) & (rows.week <= row.weeks[1])
    if row.active_days is not None:
        chosen &= rows.recency_days <= row.active_days
    part = rows.where(chosen)
    found = figures_of_rows(part) | {"name": row.name, "bar": row.bar}
    found["references"] = {name: _of_risk(part.churned, risk[chosen]) for name, risk in risks.items()}
    if truth is not None:
        # how far the risk is from the truth: by bins of the risk, and row by row
        off = part.risk - truth[chosen]
        found["truth"] = _of_risk(part.churned, truth[chosen]) | {
            "ece": figures.ece(truth[chosen], part.risk),  # type: ignore[arg-type]  # the true risk for the label
            "distance": float(np.sqrt((off**2).mean())),
        }
    return found


def _of_risk(churned: npt.NDArray[np.bool_], risk: Floats) -> Figures:
    return {
        "auc": figures.auc(churned, risk),
        "log_loss": figures.log_loss(churned, risk),
        "ece": figures.ece(churned, risk),
    }


def tables(kept: dict[str, Figures]) -> dict[tuple[Path, str], str]:
    """The tables of the kept figures by page and marker; a table with a bar only when all of its rows are there."""
    done = [kept[name] for name in RUNS if name in kept]
    rows = [row for run in done for row in run["churn"]]
    barred = [row for row in rows if row["bar"] is not None]
    values = [run["value"] for run in done if run["value"] is not None]
    found = {(PAGE, "references"): unseen_table(rows)}
    if len(barred) == sum(row.bar is not None for run in RUNS.values() for row in run.rows):
        found[PAGE, "figures"] = bar_table(barred)
    if len(values) == sum(run.value is not None for run in RUNS.values()):
        found[VALUE_PAGE, "figures"] = value_table(values)
    return found


def main() -> None:
    """Run rows, keep the figures, print the tables and, with ``--write``, write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", choices=[*RUNS], metavar="NAME", help=f"one of: {'; '.join(RUNS)}")
    parser.add_argument("--json", type=Path, default=KEPT, help="where the figures are kept")
    parser.add_argument("--keep", action="store_true", help="take over the references that are in --json")
    parser.add_argument("--write", action="store_true", help="write the tables into the pages")
    parser.add_argument("--tables-only", action="store_true", help="run nothing: the tables of what is kept")
    options = parser.parse_args()
    kept: dict[str, Figures] = json.loads(options.json.read_text("utf-8")) if options.json.exists() else {}
    for name in [] if options.tables_only else options.row or RUNS:
        # one at a time: an interruption loses one run only
        kept[name] = figures_of_run(RUNS[name], kept.get(name) if options.keep else None)
        options.json.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    for (page, name), written in tables(kept).items():
        sys.stdout.write(f"{written}\n\n")
        if options.write:
            write_table(page, name, written)


if __name__ == "__main__":
    main()
