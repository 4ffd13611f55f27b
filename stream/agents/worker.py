"""One worker process."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import faust

from stream import metrics
from stream.agents.app import assemble
from stream.agents.warmup import warm_up
from stream.settings import Settings

__all__ = ["run"]

_LOG = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    started = warm_up()
    _LOG.info("kernel ready after %.1f s", started)
    assembly = assemble(settings)
    if settings.metrics_port >= 0:
        port = metrics.serve(settings.metrics_host, settings.metrics_port)
        _LOG.info("metrics at http://%s:%d/metrics", settings.metrics_host, port)
    with tempfile.TemporaryDirectory(prefix="stream-worker-") as directory:
        assembly.app.conf.datadir = Path(directory)
        worker = faust.Worker(assembly.app, override_logging=False, redirect_stdouts=False, loglevel=None)
        try:
            worker.execute_from_commandline()
        except SystemExit as leaving:
            return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
