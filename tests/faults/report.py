"""From the results of trials to ``build/faults.json`` and the table of docs/reliability.md."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.trials import Result

__all__ = ["percentile", "summary", "table"]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile, None of nothing.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)] if ranked else None


def summary(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row for each fault and broker."""
    rows = []
    for key in dict.fromkeys((result.fault, result.number, result.broker) for result in results):
        of = [result for result in results if (result.fault, result.number, result.broker) == key]
        recoveries = [seconds for result in of for seconds in result.recoveries_s]
        rows.append(
            {
                "fault": key[0],
                "number": key[1],
                "broker": key[2],
                "runs": len(of),
                "injected": sum(result.faults for result in of),
                "seeds": [result.seed for result in of],
                "violations": sum(len(result.violations) for result in of),
                "duplicates": sum(result.duplicates for result in of),
                "recovery_p50_s": percentile(recoveries, 0.5),
                "recovery_p99_s": percentile(recoveries, 0.99),
                "memory_mb": max(result.memory_mb for result in of),
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| Fault | Broker | Runs | Faults | Violations | Repeats published | Recovery p50 (s) | p99 (s) |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        p50, p99 = (
            f"{row[name]:.1f}" if row[name] is not None else "" for name in ("recovery_p50_s", "recovery_p99_s")
        )
        lines.append(
            f"| {row['number']}. {row['fault']} | {row['broker']} | {row['runs']} | {row['injected']} | "
            f"{row['violations']} | {row['duplicates']} | {p50} | {p99} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())["faults"]))
