"""Projections: what they have read, how far behind they are, and where their time goes."""

from stream.metrics.instruments import SHORT_S, counter, gauge, histogram

__all__ = ["PROJECTION_LAG", "PROJECTION_OUTBOX", "PROJECTION_RECORDS", "PROJECTION_STEP"]

PROJECTION_RECORDS = counter(
    "stream_projection_records_total", "Records that a projection has read.", ["projection", "outcome"]
)
PROJECTION_LAG = gauge(
    "stream_projection_lag_messages",
    "Records of the assigned partitions that the projection has not stored yet.",
    ["projection", "topic"],
)
PROJECTION_OUTBOX = gauge(
    "stream_projection_outbox_records", "Records that the projection has stored and not yet published.", ["projection"]
)
PROJECTION_STEP = histogram(
    "stream_projection_step_seconds", "Time that a step spends in a phase.", SHORT_S, ["projection", "phase"]
)
