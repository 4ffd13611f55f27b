"""From ``build/faults.json`` to the tables of docs/reliability.md.

``python -m tests.faults.report build/faults.json [--write docs/reliability.md]``
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["BEGIN", "END", "mutants_table", "percentile", "report", "summary", "table", "written"]

#: The text between these lines of the document is generated.
BEGIN, END = "<!-- generated: make faults -->", "<!-- end of what is generated -->"

_HEADER = "| Fault | Broker | Runs | Faults | Violations | Published twice | Recoveries | p50 (s) | p99 (s) |"
_RULE = "|---|---|--:|--:|--:|--:|--:|--:|--:|"


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile, None of nothing.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)] if ranked else None


def summary(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each fault and broker, by the number of the fault. ``trials``: `Result` as dictionaries."""
    keys = dict.fromkeys((trial["fault"], trial["number"], trial["broker"]) for trial in trials)
    rows = []
    for key in sorted(keys, key=lambda key: (int(key[1]), key[0], key[2])):
        of = [trial for trial in trials if (trial["fault"], trial["number"], trial["broker"]) == key]
        of.sort(key=lambda trial: trial["seed"])
        recoveries = [seconds for trial in of for seconds in trial["recoveries_s"]]
        points = sum((Counter(trial.get("points", {})) for trial in of), Counter[str]())
        rows.append(
            {
                "fault": key[0],
                "number": key[1],
                "broker": key[2],
                "runs": len(of),
                "injected": sum(trial["faults"] for trial in of),
                "seeds": [trial["seed"] for trial in of],
                "violations": sum(len(trial["violations"]) for trial in of),
                "duplicates": sum(trial["duplicates"] for trial in of),
                "points": dict(sorted(points.items())),
                "recoveries": len(recoveries),
                "recovery_p50_s": percentile(recoveries, 0.5),
                "recovery_p99_s": percentile(recoveries, 0.99),
                "memory_mb": max(trial["memory_mb"] for trial in of),
            }
        )
    return rows


def table(rows: Sequence[Mapping[str, Any]], skipped: Sequence[Mapping[str, Any]] = ()) -> str:
    """The rows of `summary`, what was skipped, and the sum, as a Markdown table. ``skipped``: as dictionaries."""
    lines = [_HEADER, _RULE]
    for row in rows:
        p50, p99 = (
            f"{row[name]:.1f}" if row[name] is not None else "" for name in ("recovery_p50_s", "recovery_p99_s")
        )
        lines.append(
            f"| {row['number']}. {row['fault']} | {row['broker']} | {row['runs']} | {row['injected']} | "
            f"{row['violations']} | {row['duplicates']} | {row['recoveries'] or ''} | {p50} | {p99} |"
        )
    lines += [f"| {one['number']}. {one['fault']} | {one['broker']} | skipped | | | | | | |" for one in skipped]
    runs, injected, violations, duplicates = (
        sum(row[name] for row in rows) for name in ("runs", "injected", "violations", "duplicates")
    )
    lines.append(f"| **all** | | {runs} | {injected} | {violations} | {duplicates} | | | |")
    return "\n".join(lines)


def mutants_table(trials: Sequence[Mapping[str, Any]]) -> str:
    """Which invariants noticed that a guarantee was switched off."""
    lines = ["| Switched off | Fault | Seeds tried | Noticed by |", "|---|---|--:|---|"]
    for mutant in dict.fromkeys(trial["mutant"] for trial in trials):
        of = [trial for trial in trials if trial["mutant"] == mutant]
        letters = sorted({violation[0] for trial in of for violation in trial["violations"]} - {"X"})
        lines.append(f"| {mutant} | {of[0]['fault']} | {len(of)} | {', '.join(letters) or '**nothing**'} |")
    return "\n".join(lines)


def report(results: Mapping[str, Any]) -> str:
    """What stands between `BEGIN` and `END`. ``results``: the content of ``build/faults.json``."""
    trials = results.get("trials", [])
    took_s = results.get("took_s", 0.0)
    max_mb = max((trial["memory_mb"] for trial in trials), default=0)
    commit = results.get("commit") or "unknown"
    skipped = results.get("skipped", [])
    parts = [
        table(summary(trials), skipped),
        "",
        f"{len(trials)} runs in {took_s / 60:.0f} minutes. The largest worker took {max_mb:.0f} MB. Commit {commit}.",
        *(f"Of {fault} these are the runs of commit {later}." for fault, later in results.get("again", {}).items()),
        "",
        *(f"* {one['fault']} was skipped on {one['broker']}: {one['reason']}" for one in skipped),
        *[""] * bool(skipped),
        mutants_table(results.get("mutants", [])),
    ]
    return "\n".join(parts)


def written(document: str, content: str) -> str:
    """The document with ``content`` between its markers. Raises ValueError if it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"expected the lines {BEGIN!r} and {END!r} in the document")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main() -> None:
    """Show the report, or write it into a document."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.report", description=__doc__)
    parser.add_argument("results", type=Path, help="build/faults.json")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="replace what stands between its markers")
    options = parser.parse_args()
    content = report(json.loads(options.results.read_text()))
    if options.write is None:
        print(content)
    else:
        options.write.write_text(written(options.write.read_text(), content))


if __name__ == "__main__":
    main()
