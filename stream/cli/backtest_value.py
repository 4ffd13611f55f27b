"""``stream models backtest-value``: how good the expected orders and spend would have been over an event log."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

__all__ = ["backtest_value"]

_DECILES = 10


@click.command("backtest-value", cls=SettingsCommand)
@click.argument("log")
@click.option("--from-week", type=click.IntRange(min=1), required=True, help="First weekly cut.")
@click.option("--to-week", type=click.IntRange(min=1), required=True, help="Last weekly cut.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as JSON.")
@log_options
@with_settings("Labels", "Alerts", "Events", "Time")
@click.pass_context
def backtest_value(
    ctx: click.Context,
    settings: Settings,
    *,
    log: str,
    from_week: int,
    to_week: int,
    out: Path | None,
    options: LogOptions,
) -> None:
    """Expect orders and spend of every past buyer of LOG at each weekly cut, and compare with what came.

    The protocol is that of `stream evaluate`: the models have learned only what matured before the cut.
    """
    if to_week < from_week:
        raise click.BadParameter(f"--to-week {to_week} lies before --from-week {from_week}")
    from stream.cli.console import console_for_people
    from stream.cli.log_horizon import fit_to_log
    from stream.cli.log_input import LogInput
    from stream.clock import SystemClock
    from stream.events.decode import Decoder
    from stream.online_models.learner import Learner
    from stream.online_models.learner_settings import learner_settings_of
    from stream.processing.replay import Replay
    from stream.processing.rules import rules_of
    from stream.processing.value_origin import evaluate_value

    began = time.monotonic()
    source = LogInput(log, options, settings)
    events = source.all_events()
    too_many = source.tell()
    now_ms = SystemClock().now_ms()
    settings = fit_to_log(settings, events, now_ms)
    decoder = Decoder.of(settings)
    rules = rules_of(settings)
    replay = Replay(rules, Learner(learner_settings_of(settings)), decoder, now_ms)
    rows = evaluate_value(events, replay, decoder, now_ms, rules=rules, weeks=range(from_week, to_week + 1))
    result = figures_of_value(rows) | {"seconds": round(time.monotonic() - began, 1)}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    console_for_people().print(_table(result))
    if too_many:
        ctx.exit(1)


def figures_of_value(rows: Any) -> dict[str, Any]:
    """Pooled figures of `ValueRows`: ratios of expected to come, by decile of the expected, and rank correlations."""
    import numpy as np
    from scipy.stats import spearmanr  # type: ignore[import-untyped]  # SciPy ships no types

    deciles = np.array_split(np.argsort(rows.spend, kind="stable"), _DECILES)
    return {
        "rows": len(rows.week),
        "weeks": [int(rows.week.min()), int(rows.week.max())],
        "spend": {"expected": float(rows.spend.sum()), "came": float(rows.came_spend.sum())},
        "orders": {"expected": float(rows.orders.sum()), "came": float(rows.came_orders.sum())},
        "deciles": [
            {"expected": float(rows.spend[part].sum()), "came": float(rows.came_spend[part].sum())} for part in deciles
        ],
        "rank_correlation": {
            "spend": float(spearmanr(rows.spend, rows.came_spend)[0]),
            "spend_same_as_last_horizon": float(spearmanr(rows.last_spend, rows.came_spend)[0]),
            "orders": float(spearmanr(rows.orders, rows.came_orders)[0]),
            "orders_same_as_last_horizon": float(spearmanr(rows.last_orders, rows.came_orders)[0]),
        },
    }


def _table(result: dict[str, Any]) -> Any:
    from rich.console import Group
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("", "expected", "came", "ratio"):
        table.add_column(name, justify="left" if not name else "right")
    parts = [(f"decile {k + 1} of spend", part) for k, part in enumerate(result["deciles"])]
    for name, part in (("orders", result["orders"]), ("spend", result["spend"]), *parts):
        ratio = part["expected"] / part["came"] if part["came"] else float("nan")
        table.add_row(name, f"{part['expected']:,.0f}", f"{part['came']:,.0f}", f"{ratio:.3f}")
    ranks = Table(box=None, pad_edge=False)
    for name in ("rank correlation with what came", "spend", "orders"):
        ranks.add_column(name, justify="left" if " " in name else "right")
    found = result["rank_correlation"]
    ranks.add_row("expected", f"{found['spend']:.4f}", f"{found['orders']:.4f}")
    last = (found[f"{what}_same_as_last_horizon"] for what in ("spend", "orders"))
    ranks.add_row("same as last horizon", *(f"{value:.4f}" for value in last))
    first, final = result["weeks"]
    return Group(f"{result['rows']:,} rows of weeks {first}-{final}; {result['seconds']:.1f} s", table, "", ranks)
