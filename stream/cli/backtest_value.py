"""``stream models backtest-value``: how good the expected orders and spend would have been over an event log."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stream.processing.rolling_origin import Rows

__all__ = ["backtest_value", "figures_of_value"]


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

    The protocol is that of `stream evaluate`: the models have learned only what matured before the cut. Weeks before
    the value model is ready are left out. "+-" is a standard error over customers: what all of them have in common,
    such as a season, is not in it.
    """
    if to_week < from_week:
        raise click.BadParameter(f"--to-week {to_week} lies before --from-week {from_week}")
    from stream.cli.console import console_for_people
    from stream.cli.evaluate import score_events
    from stream.cli.log_horizon import fit_to_log
    from stream.cli.log_input import LogInput
    from stream.clock import SystemClock

    began = time.monotonic()
    source = LogInput(log, options, settings)
    events = source.all_events()
    too_many = source.tell()
    settings = fit_to_log(settings, events, SystemClock().now_ms())
    rows = score_events(events, settings, range(from_week, to_week + 1), None)
    result = figures_of_value(rows) | {"seconds": round(time.monotonic() - began, 1)}
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    console_for_people().print(_table(result))
    if too_many:
        ctx.exit(1)


def figures_of_value(rows: Rows) -> dict[str, Any]:
    """Pooled figures of the rows of which something is expected.

    Expected, came, their ratio and its standard error, of all and by decile of the expected spend; how well the
    expected spend ranks. Raises EventLogError when there are no such rows.
    """
    import numpy as np
    from scipy.stats import spearmanr  # type: ignore[import-untyped]  # SciPy ships no types

    from stream.errors import EventLogError
    from stream.processing.value_figures import gini, largest_share, parts

    rows = rows.where(~np.isnan(rows.expected_spend))
    if len(rows.week) == 0:
        raise EventLogError("the value model was not ready at any of these weeks: choose later ones")
    orders, _ = parts(rows, rows.expected_orders, rows.came_orders)
    spend, deciles = parts(rows, rows.expected_spend, rows.came_spend)
    return {
        "rows": len(rows.week),
        "weeks": [int(rows.week.min()), int(rows.week.max())],
        "orders": orders._asdict() | {"ratio": orders.ratio},
        "spend": spend._asdict() | {"ratio": spend.ratio},
        "deciles": [part._asdict() | {"ratio": part.ratio} for part in deciles],
        "rank_correlation": {
            "spend": float(spearmanr(rows.expected_spend, rows.came_spend)[0]),
            "spend_same_as_last_horizon": float(spearmanr(rows.last_spend, rows.came_spend)[0]),
            "orders": float(spearmanr(rows.expected_orders, rows.came_orders)[0]),
            "orders_same_as_last_horizon": float(spearmanr(rows.last_orders, rows.came_orders)[0]),
        },
        "largest_tenth": {
            "spend": largest_share(rows.expected_spend, rows.came_spend),
            "spend_same_as_last_horizon": largest_share(rows.last_spend, rows.came_spend),
        },
        "gini": {
            "spend": gini(rows.expected_spend, rows.came_spend),
            "spend_same_as_last_horizon": gini(rows.last_spend, rows.came_spend),
        },
    }


def _table(result: dict[str, Any]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("", "expected", "came", "ratio", "+-"):
        table.add_column(name, justify="left" if not name else "right")
    parts = [(f"decile {k + 1} of spend", part) for k, part in enumerate(result["deciles"])]
    for name, part in (("orders", result["orders"]), ("spend", result["spend"]), *parts):
        sums = (f"{part['expected']:,.0f}", f"{part['came']:,.0f}")
        table.add_row(name, *sums, f"{part['ratio']:.3f}", f"{part['error']:.3f}")
    ranks = Table(box=None, pad_edge=False)
    columns = {
        "rank correlation of spend": ("rank_correlation", "spend"),
        "of orders": ("rank_correlation", "orders"),
        "largest tenth brings": ("largest_tenth", "spend"),
        "Gini of spend": ("gini", "spend"),
    }
    for name in ("", *columns):
        ranks.add_column(name, justify="right" if name else "left")
    for label, suffix in (("expected", ""), ("same as last horizon", "_same_as_last_horizon")):
        ranks.add_row(label, *(f"{result[figure][what + suffix]:.4f}" for figure, what in columns.values()))
    first, final = result["weeks"]
    return Group(f"{result['rows']:,} rows of weeks {first}-{final}; {result['seconds']:.1f} s", table, "", ranks)
