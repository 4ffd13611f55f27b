"""``stream up``: the whole service on one machine, with nothing else to install, and nothing forgotten."""

import time

import click

from stream.cli.data_files import data_directory
from stream.cli.logs import configure_logging
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.cli.resident import can_listen
from stream.cli.saying import say
from stream.cli.shop import Shop
from stream.cli.shop_services import Service, can_run_console
from stream.cli.supervisor import StopRequest, stop_request
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["up"]

POLL_INTERVAL_S = 0.2


class _Stopped(Exception):  # noqa: N818 - it is a wish, not an error
    """Somebody asked for the end while things were still starting."""


@click.command(cls=SettingsCommand)
@click.option(
    "-n", "--workers", type=click.IntRange(min=1, max=64), default=1, show_default=True, help="Worker processes."
)
@click.option("--ingest", is_flag=True, help="Take events over HTTP as well: see stream ingest.")
@click.option("--console/--no-console", "has_console", default=True, help="Keep the directory, and show its pages.")
@with_settings(local=Local.NEVER)
def up(settings: Settings, *, workers: int, ingest: bool, has_console: bool) -> None:
    """Run broker, Redis, workers and console on this machine until told to stop (Ctrl-C, SIGTERM). Nothing is lost.

    Everything is kept in one directory (--data-dir), also over kill -9 and a power cut. Other commands find it there by
    themselves when no Kafka or Redis is set: stream import, stream today. With --notify-file alerts are sent as well.
    A process that ends is started again.
    """
    configure_logging(settings)
    if ingest and settings.ingest_port == 0:
        raise SettingsError("ingest_port=0: senders have to know the port; name one")
    services = []
    if ingest:
        services.append(Service("ingest", ("ingest",), f"http://{settings.ingest_host}:{settings.ingest_port}"))
    if settings.notify_file:
        services.append(Service("notify", ("notify",)))
    if has_console and not can_run_console():
        say("no console: pip install 'customer-stream[console]'")
        has_console = False
    directory, began = data_directory(settings), time.monotonic()
    if can_listen(directory.path):
        services.append(Service("resident", ("resident",), only_shows=True))
    say(f"data in {directory.path}")
    with (
        stop_request() as request,
        Shop(
            directory, settings, workers=workers, command="up", services=(*services,), has_console=has_console
        ) as shop,
    ):
        say(f"Kafka at {shop.settings.kafka_bootstrap}, Redis at {shop.settings.redis_url}, starting {_count(workers)}")
        try:
            shop.wait_until_ready(lambda: _obey(request))
        except _Stopped:
            say("stopping")
            return
        for service in shop.services:
            if service.address:  # nobody has to know of the others while they run
                say(f"{service.name} runs at {service.address}")
        say(f"ready after {time.monotonic() - began:.1f} s; in another terminal: stream import FILE, stream today")
        while not request.count:
            request.wait(POLL_INTERVAL_S)
            shop.tend()
        say("stopping")
    say("stopped; everything is kept")


def _obey(request: StopRequest) -> None:
    if request.count:
        raise _Stopped


def _count(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
