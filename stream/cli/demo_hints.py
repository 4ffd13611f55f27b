"""After a demo: what to try next, and how to connect to one that goes on."""

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

import click
from rich.console import Console

from stream.cli.alerts import describe_alert
from stream.cli.demo_run import DemoRun
from stream.cli.signals import Interrupted
from stream.events.partition import partition_of
from stream.settings import ENV_PREFIX, Settings
from stream.storage.keys import Keys

__all__ = ["exports", "go_on", "print_next_steps"]

_CHECK_INTERVAL_S = 0.5


def exports(settings: Settings) -> list[str]:
    """Shell lines after which every command uses the stack of ``settings``."""
    defaults = Settings().to_env()
    return [
        f"export {name}={shlex.quote(value)}"
        for name, value in settings.to_env().items()
        if value != defaults.get(name) and name.startswith(ENV_PREFIX)
    ]


def print_next_steps(console: Console, settings: Settings, example: str, metrics: Sequence[str], *, keep: bool) -> None:
    """Commands to go on with: against this stack if it is kept, else how to keep one."""
    key = Keys(settings.namespace).customer(partition_of(example, settings.partitions), example)
    port = urlsplit(settings.redis_url).port
    if keep:
        lines = ["In another shell (kcat needs librdkafka 2.2 or later here: docs/producers.md):", ""]
        lines += [*exports(settings), ""]
    else:
        lines = ["Everything stops now; with --keep it goes on, and another shell can connect:", ""]
    lines += [
        f"redis-cli -p {port} GET {shlex.quote(key)}",
        f"stream customer {shlex.quote(example)}",
        "stream alerts --from-beginning",
        "stream produce events.jsonl",
        *(f"curl -s {address} | grep ^stream_" for address in metrics),
    ]
    console.print()
    for text in lines:
        console.print(text, soft_wrap=True, markup=False)


def go_on(console: Console, run: DemoRun) -> None:
    """Show alerts as they come, until a signal; raise `LocalServerError` when a process dies."""
    console.print("\nRunning until Ctrl-C; new alerts:")
    try:
        while True:
            run.check()
            for alert in run.alerts.take(_CHECK_INTERVAL_S):
                click.echo(describe_alert(alert))
    except Interrupted:
        console.print("stopping")
