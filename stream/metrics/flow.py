"""Events in, steps, timers, and how far behind they are."""

from stream.metrics.instruments import DELAY_S, SHORT_S, SIZES, counter, gauge, histogram, tally

__all__ = [
    "ASSIGNED_PARTITIONS",
    "BATCHES",
    "BATCH_CUSTOMERS",
    "BATCH_EVENTS",
    "CLOCK_APART",
    "CLOCK_REFUSED",
    "DEAD_LETTERS",
    "EVENTS",
    "EVENT_TO_SCORE",
    "INGEST_TO_SCORE",
    "LAG",
    "LAG_SECONDS",
    "QUARANTINED",
    "REBALANCES",
    "RESCORED_CUSTOMERS",
    "STEP",
    "TIMERS_DUE",
    "TIMERS_FIRED",
    "TIMERS_LATE",
    "TIMERS_SCHEDULED",
    "WATERMARK",
    "WATERMARK_LAG",
]

EVENTS = counter("stream_events_total", "Records taken from the event topics.", ["type", "outcome"])
DEAD_LETTERS = counter("stream_dead_letters_total", "Records that could not be applied.", ["reason"])
BATCHES = counter("stream_batches_total", "Committed steps with records.")
BATCH_EVENTS = histogram("stream_batch_events", "Records in a step.", SIZES)
BATCH_CUSTOMERS = histogram("stream_batch_customers", "Customers written by a step with records.", SIZES)
STEP = histogram("stream_step_seconds", "Time that a step spends in a phase.", SHORT_S, ["phase"])

REBALANCES = counter("stream_rebalances_total", "Assignments of event topics by the consumer group.")
ASSIGNED_PARTITIONS = gauge("stream_assigned_partitions", "Partitions of the event topics that this worker owns.")
LAG = gauge("stream_lag_messages", "Records of the assigned partitions that are not stored yet.", ["topic"])
LAG_SECONDS = gauge("stream_lag_seconds", "Age of the oldest received record that is not stored yet.", ["topic"])

QUARANTINED = gauge("stream_quarantined_customers", "Customers set aside: their stored profile cannot be read.")

WATERMARK = gauge("stream_watermark_timestamp_seconds", "Stream time: the newest event time applied.", ["partition"])
CLOCK_APART = gauge("stream_clock_apart_seconds", "The clock of this machine minus the clock of Redis.")
CLOCK_REFUSED = counter(
    "stream_clock_refused_total", "Moves of stream time refused because the clocks of worker and Redis disagree."
)
WATERMARK_LAG = gauge("stream_watermark_lag_seconds", "Wall clock minus stream time.", ["partition"])
EVENT_TO_SCORE = tally("stream_event_to_score_seconds", "From an event's own time until its score is stored.", DELAY_S)
INGEST_TO_SCORE = tally(
    "stream_ingest_to_score_seconds", "From an event's append to its topic until its score is stored.", DELAY_S
)

TIMERS_FIRED = counter("stream_timers_fired_total", "Timers fired.", ["kind"])
RESCORED_CUSTOMERS = counter(
    "stream_rescored_customers_total", "Customers scored because a whole partition was scored again."
)
TIMERS_SCHEDULED = gauge("stream_timers_scheduled", "Customers with a timer, over the assigned partitions.")
TIMERS_DUE = gauge("stream_timers_due", "Customers whose timer is due and has not fired yet.")
TIMERS_LATE = gauge("stream_timers_late_seconds", "Stream time minus the earliest due timer; 0 without one.")
