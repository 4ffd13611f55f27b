"""What the commands share that run until they are told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from stream.metrics.readiness import Tell
from stream.settings import Settings
from stream.stop_signals import STOP_SIGNALS

__all__ = ["probes", "serving"]

_LOG = logging.getLogger(__name__)


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[threading.Event, Tell]]:
    """Configure the log, serve metrics and probes, and wait for signals.

    Yields an event that SIGTERM, SIGINT and SIGHUP set, and what the process calls at every turn to say how it is.
    """
    from stream.cli.logs import configure_logging

    configure_logging(settings)
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in STOP_SIGNALS:
        signal.signal(number, request_stop)
    with probes(settings) as tell:
        yield stop, tell


@contextmanager
def probes(settings: Settings) -> Iterator[Tell]:
    """Serve metrics and probes. Yields what the process calls at every turn to say how it is."""
    from stream import metrics
    from stream.agents.health import Health, HealthReport

    health = Health(settings.stuck_after_s)

    def tell(reasons: Sequence[str], figures: Mapping[str, int]) -> None:
        health.report(HealthReport(reasons, figures))

    if settings.metrics_port >= 0:
        port = metrics.serve(settings.metrics_host, settings.metrics_port, health.pages)
        _LOG.info("metrics at http://%s:%d/metrics", settings.metrics_host, port)
    yield tell
    _LOG.info("stopped")
