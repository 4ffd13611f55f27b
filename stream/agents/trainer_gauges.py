"""What a trainer shows: figures, standings, the horizon, and drift."""

import logging
from collections.abc import Iterable

from stream import metrics
from stream.events.times import rfc3339
from stream.online_models.alarms import FeatureAlarm, LossAlarm
from stream.online_models.contenders import ContenderStanding
from stream.online_models.horizon import Rhythm
from stream.online_models.scorecard import Figures

__all__ = ["announce", "clear", "show_alarm", "show_figures", "show_rhythm", "show_standings"]

_LOG = logging.getLogger(__name__)

_EVALUATED = (
    metrics.PREQUENTIAL_AUC,
    metrics.PREQUENTIAL_LOG_LOSS,
    metrics.PREQUENTIAL_BRIER,
    metrics.PREQUENTIAL_ECE,
    metrics.MODEL_CHAMPION,
    metrics.MODEL_RECENT_AUC,
    metrics.MODEL_RECENT_LOG_LOSS,
    metrics.MODEL_RECENT_ECE,
    metrics.HORIZON,
    metrics.SHOP_GAP,
)


def clear() -> None:
    """Show nothing of the models any more."""
    for gauge in _EVALUATED:
        gauge.clear()


def show_figures(figures: Figures) -> None:
    """Show the prequential figures."""
    shown = (
        (metrics.PREQUENTIAL_AUC, "champion", figures.auc),
        (metrics.PREQUENTIAL_AUC, "recency", figures.recency_auc),
        (metrics.PREQUENTIAL_LOG_LOSS, "champion", figures.log_loss),
        (metrics.PREQUENTIAL_LOG_LOSS, "recency", figures.recency_log_loss),
        (metrics.PREQUENTIAL_LOG_LOSS, "base_rate", figures.base_rate_log_loss),
        (metrics.PREQUENTIAL_BRIER, "champion", figures.brier),
        (metrics.PREQUENTIAL_ECE, "champion", figures.ece),
    )
    for gauge, model, figure in shown:
        if figure is not None:
            gauge.labels(model).set(figure)


def show_alarm(alarm: LossAlarm | FeatureAlarm) -> None:
    """Log and count a drift."""
    watched = ("model", alarm.model) if isinstance(alarm, LossAlarm) else ("feature", alarm.feature)
    _LOG.warning("drift: %s sees a change in %s %s", alarm.detector.value, *watched)
    metrics.DRIFT_ALARMS.labels(alarm.detector.value, *watched).inc()


def announce(rhythm: Rhythm) -> None:
    """Log that the horizon changes."""
    _LOG.warning("the horizon changes from %s on: %s", rfc3339(rhythm.since_ms), rhythm.sentence())


def show_rhythm(rhythm: Rhythm) -> None:
    """Show the horizon and the shop's usual gap."""
    metrics.HORIZON.set(rhythm.horizon_days * 86_400)
    if rhythm.known:
        metrics.SHOP_GAP.set(rhythm.shop_gap_days * 86_400)


def show_standings(standings: Iterable[ContenderStanding]) -> None:
    """Show how the contenders do."""
    for standing in standings:
        metrics.MODEL_CHAMPION.labels(standing.name).set(standing.champion)
        shown = (
            (metrics.MODEL_RECENT_LOG_LOSS, standing.recent.log_loss),
            (metrics.MODEL_RECENT_AUC, standing.recent.auc),
            (metrics.MODEL_RECENT_ECE, standing.recent.ece),
        )
        for gauge, figure in shown:
            if figure is not None:
                gauge.labels(standing.name).set(figure)
