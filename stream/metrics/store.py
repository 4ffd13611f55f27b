"""Redis, the outbox, and what is kept in memory."""

from stream.metrics.instruments import SHORT_S, counter, gauge, histogram

__all__ = [
    "CACHE_CUSTOMERS",
    "COMMIT_REJECTED",
    "FEATURES_STORED",
    "OUTBOX_AGE",
    "OUTBOX_DEPTH",
    "PUBLISH_FAILURES",
    "REDIS",
    "REDIS_ERRORS",
    "REDIS_UP",
    "TORN_STEPS",
]

REDIS = histogram("stream_redis_seconds", "Round trips to Redis.", SHORT_S, ["operation"])
REDIS_ERRORS = counter("stream_redis_errors_total", "Round trips to Redis that failed.", ["operation"])
REDIS_UP = gauge("stream_redis_up", "1 when Redis answered this process the last time, else 0.")
COMMIT_REJECTED = counter(
    "stream_commit_rejected_total",
    "Steps that Redis refused or did not confirm; their records are read again.",
    ["reason"],
)
TORN_STEPS = counter("stream_torn_steps_total", "Steps during which Redis failed; they are processed again.")
FEATURES_STORED = gauge(
    "stream_features_stored_timestamp_seconds", "When features of customers were last written.", ["partition"]
)
OUTBOX_DEPTH = gauge("stream_outbox_depth", "Committed records that the broker has not confirmed yet.")
OUTBOX_AGE = gauge("stream_outbox_age_seconds", "Age of the oldest record in the outbox; 0 when empty.")
PUBLISH_FAILURES = counter("stream_publish_failures_total", "Publishing attempts that the broker did not confirm.")
CACHE_CUSTOMERS = gauge("stream_cache_customers", "Profiles kept in memory.")
