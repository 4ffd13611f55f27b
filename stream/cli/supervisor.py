"""Several worker processes under one that watches them."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from stream.local.leash import leashed
from stream.stop_signals import STOP_SIGNALS

__all__ = ["StopRequest", "stop_request", "supervise"]

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.1


class StopRequest:
    """Counts the stop signals this process has received."""

    def __init__(self) -> None:
        self.count = 0
        self._arrived = threading.Event()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1
        self._arrived.set()

    def wait(self, timeout_s: float) -> None:
        """Return at the next signal, at the latest after ``timeout_s``."""
        self._arrived.wait(timeout_s)
        self._arrived.clear()


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Count stop signals in the block instead of ending at once."""
    request = StopRequest()
    before = {number: signal.signal(number, request) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def supervise(command: Sequence[str], environments: Sequence[Mapping[str, str]], *, grace_s: float) -> int:
    """Run ``command`` once for each environment until told to stop, or until one of the processes ends.

    A stop signal, or the end of any process, makes all others stop: SIGTERM, and SIGKILL after ``grace_s`` or
    at a second signal. Nothing is restarted: that is for the system that started this one.
    The processes die with this one, however it dies.

    Returns 0 if a signal asked for the end and every process then ended with status 0, else 1.
    """
    with stop_request() as request:
        children = [
            subprocess.Popen(leashed([*command]), env=dict(environment), start_new_session=True)  # noqa: S603
            for environment in environments
        ]
        try:
            return _watch(children, request, grace_s)
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                child.wait()


def _watch(children: Sequence[subprocess.Popen[bytes]], request: StopRequest, grace_s: float) -> int:
    ended: list[subprocess.Popen[bytes]] = []
    while not request.count and not ended:
        request.wait(POLL_INTERVAL_S)
        ended = [child for child in children if child.poll() is not None]
    unexpected = bool(ended) and not request.count
    if unexpected:
        statuses = {child.pid: child.returncode for child in ended}
        log.error("workers ended, stopping the others; status by process: %s", statuses)
    # before anybody is told to stop: a signal that comes meanwhile is the second one
    deadline, signals = time.monotonic() + grace_s, request.count
    for child in children:
        if child.poll() is None:
            child.terminate()
    while any(child.poll() is None for child in children):
        if time.monotonic() > deadline or request.count > signals:
            running = [child.pid for child in children if child.poll() is None]
            log.error("killing workers that did not stop: %s", running)
            return 1
        request.wait(POLL_INTERVAL_S)
    return int(unexpected or any(child.returncode != 0 for child in children))
