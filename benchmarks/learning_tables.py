"""The tables of `benchmarks.learning`, as Markdown."""

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["bar_table", "unseen_table", "value_table"]

#: The bar of every row, and of one that ends with the first weeks of its log.
MAX_ECE: Final = 0.015
MAX_YOUNG_ECE: Final = 0.02
_YOUNG_WEEKS: Final = 13

Figures = dict[str, Any]


def bar_table(found: Sequence[Figures]) -> str:
    """The rows by which the defaults were chosen; figures short of their bar are bold."""
    head = "log, horizon, weeks, population", "rows", "churned", "AUC", "log loss", "Brier", "ECE", "bar"
    lines = []
    for row in found:
        auc, loss = row["bar"]
        baselines = row["baselines"]
        lines.append(
            (
                *_beginning(row, auc, loss),
                f"{row['brier']:.4f}",
                _marked(row["ece"], short=row["ece"] > MAX_ECE),
                f"{auc:.3f}/{loss:.3f}",
                f"{baselines['recency']['auc']:.3f}, {baselines['frequency']['auc']:.3f}",
            )
        )
    return _table((*head, "recency, frequency AUC"), lines)


def unseen_table(found: Sequence[Figures]) -> str:
    """Rows and their references; figures behind the best reference are bold."""
    names = list(found[0]["references"]) if found else []
    lines = []
    for row in found:
        references = row["references"]
        auc = max(one["auc"] for one in references.values())
        loss = min(one["log_loss"] for one in references.values())
        truth = row.get("truth")
        lines.append(
            (
                *_beginning(row, auc, loss),
                _marked(row["ece"], short=row["ece"] > (MAX_YOUNG_ECE if row["weeks"][1] <= _YOUNG_WEEKS else MAX_ECE)),
                *(f"{references[name]['auc']:.4f}/{references[name]['log_loss']:.4f}" for name in names),
                "" if truth is None else f"{truth['auc']:.4f}/{truth['log_loss']:.4f}, {truth['ece']:.3f}",
            )
        )
    return _table(("log, horizon, weeks", "rows", "churned", "AUC", "log loss", "ECE", *names, "truth"), lines)


def value_table(found: Sequence[Figures]) -> str:
    """Expected over observed, with standard errors over customers; a column for each log."""
    head = ["", *(cell for of in found for cell in (f"{of['name']}: expected", "came", "ratio"))]
    lines = []
    names = ("orders", "spend", *(f"decile {k + 1} of expected spend" for k in range(10)))
    for k, name in enumerate(names):
        cells = [name]
        for of in found:
            part = of[name] if k < 2 else of["deciles"][k - 2]  # noqa: PLR2004 - the two totals come first
            cells += [f"{part['expected']:,.0f}", f"{part['came']:,.0f}", f"{part['ratio']:.3f} ± {part['error']:.3f}"]
        lines.append(cells)
    ranks = {"rank correlation": "rank_correlation", "largest tenth brings": "largest_tenth", "Gini": "gini"}
    for label, key in ranks.items():
        cells = [f"{label} (as in the last horizon)"]
        for of in found:
            cells += [f"{of[key]['spend']:.3f} ({of[key]['spend_same_as_last_horizon']:.3f})", "", ""]
        lines.append(cells)
    return _table(head, lines)


def _beginning(row: Figures, auc: float, loss: float) -> tuple[str, ...]:
    return (
        row["name"],
        f"{row['rows']:,}",
        f"{row['base_rate']:.3f}",
        _marked(row["auc"], short=row["auc"] < auc),
        _marked(row["log_loss"], short=row["log_loss"] > loss),
    )


def _marked(value: float, *, short: bool) -> str:
    return f"**{value:.4f}**" if short else f"{value:.4f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in lines)]
    )
