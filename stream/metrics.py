"""Every metric of a worker, in one place, and the server that shows them.

Names start with ``stream_``, units are base units (seconds, not milliseconds), counters end in ``_total``,
and labels are bounded sets: never a customer, an event or a model version.
"""

import platform
from collections.abc import Iterable

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    start_http_server,
)

from stream import __version__
from stream.errors import SettingsError

__all__ = [
    "ALERTS",
    "ASSIGNED_PARTITIONS",
    "BATCHES",
    "BATCH_EVENTS",
    "BUILD",
    "CACHE_CUSTOMERS",
    "COMMIT_REJECTED",
    "DEAD_LETTERS",
    "EVENTS",
    "EVENT_TO_COMMIT",
    "EXAMPLES_REFUSED",
    "LABELS",
    "LAG",
    "MODEL_READY",
    "MODEL_VERSION",
    "OUTBOX_DEPTH",
    "PREQUENTIAL_AUC",
    "PREQUENTIAL_BRIER",
    "PREQUENTIAL_ECE",
    "PREQUENTIAL_LOG_LOSS",
    "REBALANCES",
    "REDIS",
    "REGISTRY",
    "STEP",
    "STREAM_TIME",
    "TIMERS_FIRED",
    "WATERMARK_LAG",
    "serve",
]

REGISTRY = CollectorRegistry()
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    REGISTRY.register(_collector)

# A step of 2,000 records takes milliseconds; a round trip to a Redis in trouble takes seconds.
_SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# From live (tens of milliseconds) to a backlog of a day.
_DELAY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0)
_SIZES = (1.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0)


def _counter(name: str, what: str, labels: Iterable[str] = ()) -> Counter:
    return Counter(name, what, labels, registry=REGISTRY)


def _gauge(name: str, what: str, labels: Iterable[str] = ()) -> Gauge:
    return Gauge(name, what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, buckets: tuple[float, ...], labels: Iterable[str] = ()) -> Histogram:
    return Histogram(name, what, labels, registry=REGISTRY, buckets=buckets)


BUILD = Info("stream_build", "Version of the program and of Python.", registry=REGISTRY)
BUILD.info({"version": __version__, "python": platform.python_version()})

# Events in. type: click, email, purchase; outcome: applied, duplicate, dead_letter.
EVENTS = _counter("stream_events_total", "Records taken from the event topics.", ["type", "outcome"])
DEAD_LETTERS = _counter("stream_dead_letters_total", "Records that could not be applied.", ["reason"])
BATCHES = _counter("stream_batches_total", "Steps committed.")
BATCH_EVENTS = _histogram("stream_batch_events", "Records in a step.", _SIZES)
LAG = _gauge("stream_lag_messages", "Records of the assigned partitions not yet committed.", ["topic"])

# Time. phase: decode, load, advance, commit, publish.
STEP = _histogram("stream_step_seconds", "Time a step spends in a phase.", _SHORT_S, ["phase"])
EVENT_TO_COMMIT = _histogram("stream_event_to_commit_seconds", "From an event's own time to its commit.", _DELAY_S)
STREAM_TIME = _gauge("stream_stream_time_seconds", "Stream time, seconds since the epoch.", ["partition"])
WATERMARK_LAG = _gauge("stream_watermark_lag_seconds", "Wall clock less stream time.", ["partition"])
TIMERS_FIRED = _counter("stream_timers_fired_total", "kind: landmark, maturity, silence.", ["kind"])

# State.
COMMIT_REJECTED = _counter("stream_commit_rejected_total", "Steps that the store refused.", ["reason"])
REDIS = _histogram("stream_redis_seconds", "Round trips to Redis.", _SHORT_S, ["operation"])
OUTBOX_DEPTH = _gauge("stream_outbox_depth", "Committed records that the broker has not confirmed yet.")
CACHE_CUSTOMERS = _gauge("stream_cache_customers", "Profiles kept in memory.")
REBALANCES = _counter("stream_rebalances_total", "Assignments received.")
ASSIGNED_PARTITIONS = _gauge("stream_assigned_partitions", "Partitions of the event topics owned.")

# Alerts and models. kind: raised, cleared; cause: event, silence, model; model: champion, recency, base_rate.
ALERTS = _counter("stream_alerts_total", "Alerts published.", ["kind", "cause"])
LABELS = _counter("stream_labels_total", "Matured labels learned from.", ["churned"])
EXAMPLES_REFUSED = _counter("stream_examples_refused_total", "Training examples that no model may learn.", ["problem"])
MODEL_VERSION = _gauge("stream_model_version", "Version of the model that scores.")
MODEL_READY = _gauge("stream_model_ready", "1 when the model has learned enough labels to raise alerts, else 0.")
PREQUENTIAL_AUC = _gauge("stream_prequential_auc", "Area under the ROC curve, test then train.", ["model"])
PREQUENTIAL_LOG_LOSS = _gauge("stream_prequential_log_loss", "Log loss, test then train.", ["model"])
PREQUENTIAL_BRIER = _gauge("stream_prequential_brier", "Brier score, test then train.", ["model"])
PREQUENTIAL_ECE = _gauge("stream_prequential_ece", "Expected calibration error, test then train.", ["model"])


def serve(host: str, port: int) -> int:
    """Serve ``/metrics`` from a daemon thread; return the port (``port`` 0: a free one).

    Raises `SettingsError` when the address cannot be listened on.
    """
    try:
        server, _ = start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise SettingsError(
            f"cannot serve metrics on {host}:{port} ({error}): choose another metrics_port, 0 for any, -1 off"
        ) from error
    return int(server.server_port)
