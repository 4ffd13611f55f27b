"""After a demo: what to try next, and how to connect to one that goes on."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console

from stream.catalogue.declaring import Money
from stream.cli.alert_feed import AlertFeed
from stream.cli.alerts import describe_alert
from stream.cli.bundled import bundled
from stream.cli.demo_console import DemoConsole
from stream.cli.paced_feed import LiveFeed
from stream.cli.signals import Interrupted
from stream.clock import SystemClock
from stream.events.log import read_log
from stream.events.partitioner import partition_of
from stream.events.shift import moved
from stream.events.time_order import in_time_order
from stream.local.redis import redis_client
from stream.settings import ENV_PREFIX, Settings
from stream.storage.keys import Keys

__all__ = ["exports", "go_on", "print_next_steps", "program", "write_example"]

_CHECK_INTERVAL_S = 0.5


def exports(settings: Settings) -> list[str]:
    """Shell lines after which every command uses the stack of ``settings``."""
    defaults = Settings().to_env()
    return [
        f"export {name}={shlex.quote(value)}"
        for name, value in settings.to_env().items()
        if value != defaults.get(name) and name.startswith(ENV_PREFIX)
    ]


def program() -> str:
    """How a shell calls this program: by its name where that is found, else by its path."""
    beside = Path(sys.executable).with_name("stream")
    found = shutil.which("stream")
    if found is not None and (not beside.exists() or Path(found).samefile(beside)):
        return "stream"
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m stream"


def write_example(directory: Path) -> Path:
    """Write the example events to ``directory`` as events of the week before now; return the path."""
    log = list(in_time_order(read_log(bundled("events.jsonl"))))
    by_ms = SystemClock().now_ms() - log[-1].at_ms
    path = directory / "events.jsonl"
    path.write_bytes(b"".join(event.value + b"\n" for event in moved(log, by_ms)))
    return path


def print_next_steps(
    console: Console, pages: DemoConsole, customer: str, metrics: Sequence[str], events: Path | None
) -> None:
    """Commands to go on with: against this stack if it is kept, else how to keep one; where items and the pages are.

    ``events``: a file of events to send to a stack that is kept; None: it is not.
    """
    settings = pages.settings
    key = Keys(settings.namespace).customer(partition_of(customer, settings.partitions), customer)
    port = urlsplit(settings.redis_url).port
    stream = program()
    if events is not None:
        lines = ["In another shell (kcat needs librdkafka 2.2 or later here: docs/producers.md):", ""]
        lines += [*exports(settings), ""]
    else:
        lines = ["Everything stops now; with --keep it goes on, and another shell can connect:", ""]
    if (client := redis_client()) is not None:
        lines.append(f"{shlex.quote(client)} -p {port} GET {shlex.quote(key)}")
    lines += [
        f"{stream} customer {shlex.quote(customer)}",
        f"{stream} alerts --from-beginning",
        f"{stream} produce {shlex.quote(str(events or bundled('events.jsonl')))}",
        *(f"curl -s {address} | grep ^stream_" for address in metrics),
    ]
    console.print()
    for text in lines:
        console.print(text, soft_wrap=True, markup=False)
    console.print(
        "\nThese orders have no items. What to offer to whom, by the items of real baskets: make demo-recommend"
    )
    if pages.address:
        console.print(f"\nThe console: {pages.address}")


def go_on(
    console: Console, alerts: AlertFeed, coming: LiveFeed, money: Money, checks: Sequence[Callable[[], None]]
) -> None:
    """Publish what is ``coming`` and show alerts as they come, until a signal; ``money`` writes amounts.

    ``checks`` raise `LocalServerError` when a process has died.
    """
    clock = SystemClock()
    console.print("\nRunning until Ctrl-C; new alerts:")
    try:
        while True:
            for check in checks:
                check()
            coming.advance(clock.now_ms())
            for alert in alerts.take(_CHECK_INTERVAL_S):
                click.echo(describe_alert(alert, money))
    except Interrupted:
        console.print("stopping")
