"""What the HTTP endpoint counts."""

from stream.metrics.instruments import DELAY_S, counter, gauge, histogram

__all__ = [
    "INGEST_BODY_BYTES",
    "INGEST_EVENTS",
    "INGEST_EVICTIONS",
    "INGEST_READY",
    "INGEST_REQUESTS",
    "INGEST_SECONDS",
    "INGEST_WAITING",
]

INGEST_REQUESTS = counter("stream_ingest_requests_total", "Requests answered by the endpoint.", ["route", "status"])
INGEST_EVENTS = counter("stream_ingest_events_total", "Events in requests to the endpoint.", ["route", "outcome"])
INGEST_SECONDS = histogram(
    "stream_ingest_request_seconds",
    "From the head of a request to its answer, with the wait for Kafka.",
    DELAY_S,
    ["route"],
)
INGEST_WAITING = gauge("stream_ingest_waiting_events", "Events that wait for Kafka's confirmation.")
INGEST_READY = gauge("stream_ingest_kafka_up", "1 when Kafka answers and has the topics, else 0.")
INGEST_BODY_BYTES = gauge("stream_ingest_body_bytes", "Memory that bodies of requests under way take.")
INGEST_EVICTIONS = counter("stream_ingest_evictions_total", "Connections closed because there were too many.")
