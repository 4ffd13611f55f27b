"""Observers of a run must not die or see nothing unnoticed."""

import threading
from collections.abc import Callable

import pytest
import redis
from confluent_kafka import KafkaError, KafkaException
from redis.exceptions import SlotNotCoveredError

from tests.faults.watch import Watch

WITHIN_S = 10.0


def _watched(look: Callable[[], object], done: threading.Event) -> Watch:
    watch = Watch("pulse", look, 0.001)
    with watch:
        assert done.wait(WITHIN_S)
    return watch


def test_a_thread_that_dies_is_a_finding() -> None:
    done = threading.Event()

    def look() -> None:
        done.set()
        raise KeyError("no such partition")

    (finding,) = _watched(look, done).findings
    assert finding.startswith("X: the pulse died")
    assert "no such partition" in finding


@pytest.mark.parametrize(
    "away",
    [
        redis.ConnectionError("refused"),
        SlotNotCoveredError("slot 7 is not served"),
        KafkaException(KafkaError(KafkaError.NOT_COORDINATOR)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_unreachable_server_is_polled_again(away: Exception) -> None:
    done = threading.Event()
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise away
        done.set()

    assert _watched(look, done).findings == []


def test_an_observer_that_never_saw_anything_is_a_finding() -> None:
    done = threading.Event()

    def look() -> None:
        done.set()
        raise redis.ConnectionError("refused")

    assert _watched(look, done).findings == ["X: the pulse has not seen anything"]
