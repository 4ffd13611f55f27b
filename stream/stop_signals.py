"""The signals that tell a process to end in good order."""

import asyncio
import signal
from typing import Final

__all__ = ["STOP_SIGNALS", "stop_event"]

#: SIGHUP comes when a terminal is closed.
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_event() -> asyncio.Event:
    """An event that each of the signals sets, in the running event loop."""
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
