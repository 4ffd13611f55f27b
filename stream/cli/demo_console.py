"""The directory and the console beside a demo that goes on."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from stream.cli.answering import answers
from stream.cli.shop_services import can_run_console, console_services
from stream.errors import LocalServerError
from stream.local.child import Child
from stream.local.server_process import HOST, free_port
from stream.settings import ENV_PREFIX, Settings

__all__ = ["DemoConsole", "demo_console"]

_STOP_TIMEOUT_S = 10.0
#: Pages that take longer are told of all the same.
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.1


class DemoConsole(NamedTuple):
    """``settings`` lead to the directory as well. ``check`` raises `LocalServerError` when a process has ended.

    ``address``: of the pages; empty where there are none.
    """

    settings: Settings
    address: str
    check: Callable[[], None]


@contextmanager
def demo_console(settings: Settings, directory: Path, *, wanted: bool) -> Iterator[DemoConsole]:
    """Keep the directory in ``directory`` and show its pages until the block ends, if it is ``wanted`` and can be."""
    if not (wanted and can_run_console()):
        yield DemoConsole(settings, "", lambda: None)
        return
    settings = replace(settings, directory_url=f"sqlite:///{directory / 'directory.sqlite'}")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    children: list[Child] = []
    services = console_services(free_port())

    def check() -> None:
        for child in children:
            if child.status is not None:
                raise LocalServerError(f"{child.name} ended with status {child.status}; {child.log_tail()}")

    try:
        for service in services:
            own = replace(settings, data_dir=str(directory), metrics_host=HOST, metrics_port=free_port())
            log = directory / f"{service.name}.log"
            child = Child(service.name, service.command, {**inherited, **own.to_env()}, log)
            child.start()
            children.append(child)
        _wait_for_pages(services[-1].address, check)
        yield DemoConsole(settings, services[-1].address, check)
    finally:
        for child in children:
            child.ask_to_end()
        for child in children:
            child.wait(_STOP_TIMEOUT_S)


def _wait_for_pages(address: str, check: Callable[[], None]) -> None:
    """So that who follows the address, once it is told, is answered."""
    began = time.monotonic()
    while not answers(f"{address}health/live") and time.monotonic() - began < _READY_TIMEOUT_S:
        check()
        time.sleep(_POLL_S)
