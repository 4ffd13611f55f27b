"""Alerts, segments and stages."""

from stream.metrics.instruments import DELAY_S, counter, gauge, histogram

__all__ = [
    "ALERTS",
    "ALERTS_SUPPRESSED",
    "ALERT_RISK",
    "INGEST_TO_ALERT",
    "SEGMENT_CHANGES",
    "SEGMENT_SHARE",
    "STAGE_CHANGES",
]

_RISKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)

ALERTS = counter("stream_alerts_total", "Alerts committed.", ["kind", "cause", "severity"])
ALERT_RISK = histogram("stream_alert_risk_ratio", "Churn risk of raised alerts.", _RISKS, ["cause"])
ALERTS_SUPPRESSED = counter(
    "stream_alerts_suppressed_total", "Evaluations at or above the level that raised no alert.", ["reason"]
)
INGEST_TO_ALERT = histogram(
    "stream_ingest_to_alert_seconds",
    "From the append of the causing event until the broker has the alert.",
    DELAY_S,
)
SEGMENT_CHANGES = counter("stream_segment_changes_total", "Customers that moved to another segment.")
SEGMENT_SHARE = gauge("stream_segment_share_ratio", "Share of recent landmarks in a segment.", ["segment"])
STAGE_CHANGES = counter(
    "stream_stage_changes_total", "Customers who came into a stage of their life with the shop.", ["stage"]
)
