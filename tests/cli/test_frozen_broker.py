"""A broker that hangs is told soon, in a sentence, by whatever reads a topic; a busy one is waited for."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.cli import topic_spans
from stream.cli.topic_spans import TopicSpans
from stream.errors import StreamError
from stream.local.durable_broker import DurableBroker
from stream.notifications import read_to_end as reading
from stream.notifications.read_to_end import read_to_end
from stream.privacy import erasure_feed
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings
from tests.agents.topics import create


def who_is_erased(settings: Settings) -> object:
    with ErasureFeed(settings, wait_s=3600.0) as feed:
        return feed.erasures.is_empty


def records(settings: Settings) -> object:
    return not [*read_to_end(settings, settings.privacy_requests)]


def ends(settings: Settings) -> object:
    with TopicSpans(settings) as spans:
        return bool(spans.places([settings.privacy_requests]))


READERS = [who_is_erased, records, ends]


@pytest.fixture
def frozen(tmp_path: Path, topic_prefix: str) -> Iterator[tuple[Settings, Callable[[], None]]]:
    """Settings for a broker that hangs, and what lets it go on."""
    with DurableBroker(tmp_path / "broker") as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix)
        create(broker.bootstrap, [(settings.privacy_requests, 1)])
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            yield settings, lambda: os.kill(broker.pid, signal.SIGCONT)
        finally:
            os.kill(broker.pid, signal.SIGCONT)


@pytest.mark.parametrize("read", READERS)
def test_who_reads_from_a_frozen_broker_is_told(
    frozen: tuple[Settings, Callable[[], None]], read: Callable[[Settings], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((erasure_feed, "_FIRST_ANSWER_S"), (reading, "_FIRST_ANSWER_S"), (topic_spans, "TIMEOUT_S")):
        monkeypatch.setattr(module, name, 0.5)
    settings, _ = frozen
    with pytest.raises(StreamError, match=f"no Kafka broker answers at {settings.kafka_bootstrap}"):
        read(settings)


@pytest.mark.parametrize("read", READERS)
def test_who_reads_from_a_busy_broker_waits_for_it(
    frozen: tuple[Settings, Callable[[], None]], read: Callable[[Settings], object]
) -> None:
    settings, thaw = frozen
    free = threading.Timer(1.0, thaw)
    free.start()
    assert read(settings)
    free.join()


@pytest.mark.parametrize("read", READERS)
def test_the_kafka_library_prints_nothing_of_its_own(
    frozen: tuple[Settings, Callable[[], None]], read: Callable[[Settings], object]
) -> None:
    """Where a logger passes nothing on and has no handler, Python prints warnings as they are."""
    settings, thaw = frozen
    thaw()
    read(settings)
    loggers = [one for name, one in logging.root.manager.loggerDict.items() if "librdkafka" in name]
    loud = [one for one in loggers if isinstance(one, logging.Logger) and not (one.propagate or one.handlers)]
    assert loud == []
