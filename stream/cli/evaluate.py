"""``stream evaluate``: how good the churn risk would have been, week by week, over an event log."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from stream.cli.console import console_for_people
from stream.cli.evaluation_plot import plot as draw
from stream.cli.evaluation_view import show_figures, show_level
from stream.cli.log_horizon import fit_to_log
from stream.cli.log_input import LogInput
from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.clock import SystemClock
from stream.errors import EventLogError
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.online_models.component import Component
from stream.online_models.components import RISK, SCORING
from stream.online_models.components.value import Value
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing import figures
from stream.processing.replay import Replay
from stream.processing.rolling_origin import Rows
from stream.processing.rolling_origin import evaluate as evaluate_log
from stream.processing.rules import rules_of
from stream.settings import Settings

__all__ = ["evaluate", "figures_at_level", "figures_of_rows", "score_events"]


@click.command(cls=SettingsCommand)
@click.argument("log")
@click.option("--from-week", type=click.IntRange(min=1), help="First weekly cut. [when the model is ready]")
@click.option("--to-week", type=click.IntRange(min=1), help="Last weekly cut. [the last whose horizon the log covers]")
@click.option("--active-days", type=click.FloatRange(min=0), help="Only customers whose last order is this recent.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as JSON.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw reliability, AUC and lift (PNG).")
@log_options
@with_settings("Labels", "Alerts", "Events", "Time")
@click.pass_context
def evaluate(
    ctx: click.Context,
    settings: Settings,
    *,
    log: str,
    from_week: int | None,
    to_week: int | None,
    active_days: float | None,
    out: Path | None,
    plot: Path | None,
    options: LogOptions,
) -> None:
    """Score every past buyer of LOG at each weekly cut, and compare with who came back.

    The log goes through the production path: features, landmarks, labels held to the horizon, one model that learns
    online. Week w begins 7 w days after the day of the first order; a cut uses what happened before it, and the model
    as learned from the labels that matured before it. `stream replay` gives the same figures for the default weeks.

    The last table counts customers: of those whose risk reached --raise-at, how many did not come back, and of those
    who did not come back, how many had reached it.

    Events that cannot be used are told by reason, with the first line of each. Exit status 1 if they are too many.
    """
    if (from_week is None) != (to_week is None):
        raise click.BadParameter("--from-week and --to-week go together")
    weeks = None if from_week is None or to_week is None else range(from_week, to_week + 1)
    if weeks is not None and not weeks:
        raise click.BadParameter(f"--to-week {to_week} lies before --from-week {from_week}")
    began = time.monotonic()
    source = LogInput(log, options, settings)
    events = source.all_events()
    too_many = source.tell()
    settings = fit_to_log(settings, events, SystemClock().now_ms())
    rows = score_events(events, settings, weeks, active_days, RISK)
    result = figures_of_rows(rows) | {
        "alert_level": figures_at_level(rows, settings.raise_at),
        "seconds": round(time.monotonic() - began, 2),
    }
    if out is not None:
        out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    console = console_for_people()
    show_figures(console, rows, result)
    show_level(console, result["alert_level"])
    if plot is not None:
        span = f"weeks {rows.week.min()}-{rows.week.max()}"
        draw(rows, plot, f"{Path(log).name}: no order in {settings.horizon_days:g} days, {span}")
    if too_many:
        ctx.exit(1)


def score_events(
    events: Sequence[LogEvent],
    settings: Settings,
    weeks: range | None,
    active_days: float | None,
    components: Sequence[type[Component]] = SCORING,
) -> Rows:
    """Replay ``events`` (in time order) through a new model and score at each week's cut.

    ``components``: what learns; without the value model nothing is expected of anybody.
    """
    now_ms = SystemClock().now_ms()
    decoder = Decoder.of(settings, in_clear=True)
    rules = rules_of(settings)
    learner = Learner(learner_settings_of(settings), components=components)
    # what is expected of customers depends on their documents
    replay = Replay(rules, learner, decoder, now_ms, examples_only=Value not in components)
    return evaluate_log(events, replay, decoder, now_ms, rules=rules, weeks=weeks, active_days=active_days)


def figures_of_rows(rows: Rows) -> dict[str, Any]:
    """Pooled figures of the risk, and of the baselines on the same rows."""
    churned = rows.churned
    if len(churned) == 0:
        raise EventLogError("no customer has bought before the first cut: there is nothing to score")
    return {
        "rows": len(churned),
        "weeks": [int(rows.week.min()), int(rows.week.max())],
        "base_rate": float(churned.mean()),
        "auc": figures.auc(churned, rows.risk),
        "average_precision": figures.average_precision(churned, rows.risk),
        "log_loss": figures.log_loss(churned, rows.risk),
        "brier": figures.brier(churned, rows.risk),
        "ece": figures.ece(churned, rows.risk),
        "baselines": {
            "base_rate": {"log_loss": figures.log_loss(churned, rows.base_rate)},
            "recency": {"auc": figures.auc(churned, rows.recency_days)},
            "frequency": {"auc": figures.auc(churned, -rows.orders)},
            "purchase_process": {
                "auc": figures.auc(churned, rows.process_risk),
                "average_precision": figures.average_precision(churned, rows.process_risk),
                "log_loss": figures.log_loss(churned, rows.process_risk),
                "brier": figures.brier(churned, rows.process_risk),
                "ece": figures.ece(churned, rows.process_risk),
            },
        },
    }


def figures_at_level(rows: Rows, level: float) -> dict[str, Any]:
    """What became of the customers whose risk reached ``level``, of all weeks together and of each one."""
    weeks = np.unique(rows.week)
    return {
        "raise_at": level,
        **_level_fields(rows, level),
        "weeks": [{"week": int(week), **_level_fields(rows.where(rows.week == week), level)} for week in weeks],
    }


def _level_fields(rows: Rows, level: float) -> dict[str, Any]:
    found = figures.flagged(rows.churned, rows.risk, level)
    return {**found._asdict(), "precision": found.precision, "recall": found.recall, "f1": found.f1}
