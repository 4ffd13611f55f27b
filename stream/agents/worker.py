"""One worker process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import faust

from stream import metrics
from stream.agents.app import assemble
from stream.agents.health import Health
from stream.agents.kafka_access import check_brokers, wait_for_brokers
from stream.agents.memory import tune_allocator, tune_garbage_collection
from stream.agents.projections import assemble_projections
from stream.agents.warmup import warm_up
from stream.privacy.erasure_feed import ErasureFeed
from stream.projections.all_projections import projections_of
from stream.projections.classification import Classification
from stream.settings import Settings
from stream.storage.connection import check_access
from stream.texts.text_warmup import warm_up_texts

__all__ = ["run"]

_LOG = logging.getLogger(__name__)


def run(settings: Settings) -> NoReturn:
    """Run until SIGTERM or SIGINT, then end the process; its exit status is 0 when all was stopped in good order.

    A Kafka that is away is waited for. Raises `StorageError` and `TopologyError` when Redis or Kafka is there and
    refuses this worker.
    """
    signal.signal(signal.SIGTERM, _stop_before_start)
    tune_allocator()
    # until it is asked again, the kernel may have to be compiled, and brokers waited for
    metrics.REDIS_UP.set(check_access(settings))
    check_brokers(settings)
    health = Health(settings.stuck_after_s)
    if settings.metrics_port >= 0:
        # first of all: while the kernel is compiled, the answer to a probe is that, not a refused connection
        port = metrics.serve(settings.metrics_host, settings.metrics_port, health.pages)
        _LOG.info("metrics at http://%s:%d/metrics and probes at /health/...", settings.metrics_host, port)
    runs_core = settings.role != "projections"
    projections = projections_of(settings)  # report an unknown name before waiting for anything
    if runs_core and settings.role != "trainer":  # River is not compiled
        started = warm_up()
        _LOG.info("kernel ready after %.1f s", started)
    if any(isinstance(one, Classification) for one in projections):
        began = time.perf_counter()
        warm_up_texts()
        _LOG.info("models of texts ready after %.1f s", time.perf_counter() - began)
    tune_garbage_collection()
    wait_for_brokers(settings)
    # never left: the process ends without taking anything down
    erasures = ErasureFeed(settings).__enter__().erasures
    if runs_core:
        assembly = assemble(settings, health=health, erasures=erasures)
        apps = [assembly.app, *(projection.app for projection in assembly.projections)]
    else:
        apps = [projection.app for projection in assemble_projections(settings, health=health, erasures=erasures)]
    with tempfile.TemporaryDirectory(prefix="stream-worker-") as directory:
        for app in apps:
            app.conf.datadir = Path(directory)
        worker = _Worker(apps[0], *apps[1:], override_logging=False, redirect_stdouts=False, loglevel=None, quiet=True)
        status = 0
        try:
            worker.execute_from_commandline()
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    # All is stopped and stored. Taking the interpreter and its libraries down would take seconds, and for as long the
    # partitions of this static member would stand still.
    logging.shutdown()
    os._exit(status)


def _stop_before_start(number: int, frame: FrameType | None) -> NoReturn:
    """Nothing is under way yet. From its start on the Faust worker handles the signal."""
    del number, frame
    raise SystemExit(0)


class _Worker(faust.Worker):
    """Faust's worker that starts and stops all apps at once, and does not sleep for two seconds in the end."""

    async def on_start(self) -> None:
        """Start the apps side by side: each waits for seconds until its group gives it partitions, the core's last."""
        await super().on_start()
        await asyncio.gather(*(app.maybe_start() for app in self._children))

    async def _stop_children(self) -> None:
        """Stop the apps side by side: each ends its steps and leaves its group, and one after the other may take longer
        than whoever stops the worker waits.
        """
        ended = await asyncio.gather(*(asyncio.shield(app.stop()) for app in self._children), return_exceptions=True)
        for child, error in zip(self._children, ended, strict=True):
            if isinstance(error, Exception):
                _LOG.error("%s could not be stopped in good order", child.label, exc_info=error)

    def _shutdown_loop(self) -> None:
        if self.crash_reason is not None:
            super()._shutdown_loop()
