"""Transient errors are retried, but not for ever; other errors are not."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from tests.kafka.transient import patiently


class _Broker:
    """Says each of these error codes once, and then answers."""

    def __init__(self, *codes: int) -> None:
        self._codes = [*codes]
        self.asked = 0

    def ask(self) -> str:
        self.asked += 1
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop(0)))
        return "an answer"


def test_a_coordinator_that_moves_is_asked_again() -> None:
    broker = _Broker(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError._TIMED_OUT)
    assert patiently(broker.ask, 10.0) == "an answer"


def test_without_patience_it_is_asked_once() -> None:
    broker = _Broker(KafkaError.NOT_COORDINATOR)
    with pytest.raises(KafkaException):
        patiently(broker.ask, 0.0)
    assert broker.asked == 1


def test_a_permanent_error_is_raised_at_once() -> None:
    broker = _Broker(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException):
        patiently(broker.ask, 10.0)
    assert broker.asked == 1
