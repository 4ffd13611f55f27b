"""Everything that has metrics, running on this machine, with a few weeks of real events to work on."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from stream.cli.paced_feed import PacedFeed
from stream.cli.produce import EventProducer
from stream.cli.topics import create_topics
from stream.errors import LocalServerError
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.events.times import rfc3339
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.overview import Overview
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.services import act, configuration, post, service
from tests.notifications.receivers import Webhook

__all__ = ["System", "running_system"]

EVENTS: Final = Path(__file__).parents[2] / "examples" / "complete_journey_events.csv.gz"
WORKERS: Final = 2
READY_TIMEOUT_S: Final = 120.0
#: Seconds between two HTTP requests.
POST_EVERY_S: Final = 0.25
#: How long a request may stay unanswered: a busy machine is no failure.
POST_TIMEOUT_S: Final = 60.0
#: Short horizons: within weeks of events labels mature, risks are scored, alerts are raised, held back and cleared.
SETTINGS: Final = Settings(
    horizon_days=7.0,
    landmark_days=3.0,
    min_labels=200,
    raise_at=0.3,
    clear_at=0.25,
    min_purchases=3,
    cooldown_days=5.0,
    projections="activity",
)


@dataclass(frozen=True, slots=True)
class System:
    """``began_s``: when the first event was published, seconds since the epoch. ``fed``: whether all have been.

    ``check`` raises when a process has ended.
    """

    prometheus: Prometheus
    began_s: float
    fed: Callable[[], bool]
    check: Callable[[], None]


@contextmanager
def running_system(program: str, directory: Path, *, events: int, rate: float) -> Iterator[System]:
    """Start servers, all processes and Prometheus; publish ``events`` events at ``rate`` a second meanwhile."""
    with ExitStack() as running:
        stack = running.enter_context(LocalStack(directory, SETTINGS, partitions=4))
        create_topics(stack.settings)
        desk = running.enter_context(Webhook())
        broken = running.enter_context(Webhook(lambda _number, _message: 500))
        notify_file = directory / "notifications.yaml"
        notify_file.write_text(configuration(desk.url, broken.url), "utf-8")
        settings = replace(stack.settings, notify_file=str(notify_file), ingest_port=0)
        workers = running.enter_context(WorkerProcesses(settings, WORKERS, directory))
        notify = running.enter_context(service("notify", settings, directory))
        # topics of its own: the embedded broker would use an event's time as that of its append
        over_http = replace(settings, topic_prefix="http.")
        create_topics(over_http)
        ingest = running.enter_context(service("ingest", over_http, directory))
        with_pages = replace(settings, directory_url=f"sqlite:///{directory / 'directory.sqlite'}")
        console = running.enter_context(service("console", with_pages, directory, "--port", "0"))
        overview = running.enter_context(Overview(settings))

        def check() -> None:
            stack.check()
            for process in (workers, notify, ingest, console):
                process.check()

        _wait(check, lambda: workers.own_everything(overview.totals(), overview.trainer()))
        services = (notify, ingest, console)
        _wait(check, lambda: None not in (*(one.metrics() for one in services), ingest.events(), console.pages()))
        targets = {
            "worker": [urlsplit(url).netloc for url in workers.metrics_addresses],
            "notify": [str(notify.metrics())],
            "ingest": [str(ingest.metrics())],
            "console": [str(console.metrics())],
        }
        prometheus = running.enter_context(Prometheus(program, directory / "prometheus", targets))
        producer = running.enter_context(closing(EventProducer(settings)))
        feed = PacedFeed(producer, _events(events), rate)
        began_s = time.time()
        running.enter_context(_background(lambda: _feed(feed, began_s)))
        act(settings, "1")
        running.enter_context(_background(_posting(ingest.events() or 0)))
        running.enter_context(_background(_looking(str(console.pages()))))
        yield System(prometheus, began_s, lambda: feed.done, check)


def _wait(check: Callable[[], None], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not ready():
        check()
        if time.monotonic() > deadline:
            raise LocalServerError(f"the system is not ready after {READY_TIMEOUT_S:g} s")
        time.sleep(0.1)


def _events(number: int) -> Iterator[LogEvent]:
    """The first events of the log, moved in time so that the last has just happened.

    One in a hundred comes twice, and one in two hundred is cut off in the middle. Record timestamps are the wall clock:
    event topics have LogAppendTime, but the embedded broker keeps what producers say.
    """
    events = list(islice(read_log(EVENTS), number))
    later_ms = time.time_ns() // 1_000_000 - events[-1].at_ms
    for position, event in enumerate(events):
        value = _moved(event.value, event.at_ms + later_ms)
        moved = event._replace(at_ms=time.time_ns() // 1_000_000, value=value)
        yield moved
        if position % 100 == 0:
            yield moved
        if position % 200 == 0:
            yield moved._replace(value=moved.value[:40])


def _moved(value: bytes, at_ms: int) -> bytes:
    return json.dumps({**json.loads(value), "occurred_at": rfc3339(at_ms)}).encode()


def _feed(feed: PacedFeed, began_s: float) -> bool:
    feed.advance(time.time() - began_s, 0.1)
    return not feed.done


def _posting(port: int) -> Callable[[], bool]:
    numbers = count()

    def step() -> bool:
        number = next(numbers)
        deadline = time.monotonic() + POST_TIMEOUT_S
        while not _posted(port, number):
            if time.monotonic() > deadline:
                raise LocalServerError(f"the endpoint gave no answer in {POST_TIMEOUT_S:g} s")
        time.sleep(POST_EVERY_S)
        return True

    return step


def _looking(address: str) -> Callable[[], bool]:
    """Ask for a page of the console, as somebody does who keeps it open."""

    at = urlsplit(address)

    def step() -> bool:
        with closing(http.client.HTTPConnection(str(at.hostname), at.port, timeout=POST_TIMEOUT_S)) as connection:
            connection.request("GET", at.path)
            connection.getresponse().read()
        time.sleep(POST_EVERY_S)
        return True

    return step


def _posted(port: int, number: int) -> bool:
    """Whether there was an answer."""
    try:
        post(port, number)
    except (OSError, http.client.HTTPException):
        time.sleep(POST_EVERY_S)
        return False
    return True


@contextmanager
def _background(step: Callable[[], bool]) -> Iterator[None]:
    """Repeat ``step`` in a thread while it returns true, until the block is left; an error in it is raised then."""
    leaving = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        try:
            while not leaving.is_set() and step():
                pass
        except Exception as error:  # noqa: BLE001 - raised where the block is left
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()
    if failures:
        raise failures[0]
