"""Workers with one role: process events, or train."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from stream.cli.produce import EventProducer
from stream.cli.topics import create_topics
from stream.events.log import read_log
from stream.local.stack import LocalStack
from stream.local.workers import WorkerProcesses
from stream.settings import Settings
from stream.storage.overview import Overview

LOG = Path(__file__).parents[2] / "examples" / "complete_journey_events.csv.gz"
EVENTS = 8000
PATIENCE_S = 200.0


def wait_until(done: Callable[[], bool], workers: list[WorkerProcesses]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        for process in workers:
            process.check()
        assert time.monotonic() < deadline, "\n".join(process.log_tails() for process in workers)
        time.sleep(0.1)


@pytest.mark.timeout(300)
def test_one_process_takes_in_the_events_and_another_one_trains(tmp_path: Path) -> None:
    with LocalStack(tmp_path, Settings(), partitions=2) as stack:
        settings = stack.settings
        create_topics(settings)
        producer = EventProducer(settings)
        producer.publish(islice(read_log(LOG), EVENTS), rate=None)
        producer.close()
        (tmp_path / "trainer").mkdir()
        with (
            WorkerProcesses(replace(settings, role="events"), 1, tmp_path) as events,
            WorkerProcesses(replace(settings, role="trainer"), 1, tmp_path / "trainer") as trainer,
            Overview(settings) as overview,
        ):
            both = [events, trainer]
            wait_until(lambda: overview.totals().counters.events_in == EVENTS, both)
            wait_until(lambda: overview.totals().due == 0, both)
            counters = overview.totals().counters
            wait_until(lambda: overview.trainer().offset >= counters.landmarks + counters.labels, both)
            assert counters.landmarks > 0
            assert overview.totals().claimed == 2
            assert overview.trainer().owner not in {"", *overview.totals().owners}
