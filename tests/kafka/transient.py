"""Transient errors, while a server is unreachable or a group settles: ask again."""

import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

__all__ = ["TRANSIENT", "is_transient", "patiently"]

_POLL_S = 0.05
_T = TypeVar("_T")

#: No answer, or a leader or coordinator that is being chosen, moves, or still loads.
TRANSIENT = {
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}


def patiently(ask: Callable[[], _T], patience_s: float) -> _T:
    """The answer to ``ask``, which is asked again for so long; with a patience of 0 it is asked once.

    Raises `KafkaException` for permanent errors, and for transient ones that last longer.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if not is_transient(error) or time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_S)


def is_transient(error: KafkaException) -> bool:
    """Whether the same question may be answered a moment later."""
    return error.args[0].code() in TRANSIENT
