"""What was handed to the broker and is not confirmed, and what was refused since anyone asked."""

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Final

from confluent_kafka import KafkaError, Message

__all__ = ["DeliveryLedger"]

#: Failed events that are remembered by id until the next `DeliveryLedger.take_failed`; more are counted.
MAX_REMEMBERED: Final = 1000
_LOOK_S: Final = 0.005


class DeliveryLedger:
    """Events are entered by the threads that publish and settled by those that serve the broker's answers.

    An entry is a number and a text, which the garbage collector need not look at: with an object of their own for
    each, a hundred thousand waiting events cost more than publishing them [m]. ``on_refusal`` is told of every error.
    """

    def __init__(self, on_refusal: Callable[[KafkaError], None]) -> None:
        self._on_refusal = on_refusal
        self._lock = threading.Lock()
        self._next = 0
        self._waiting: dict[int, str] = {}
        self._failed: list[str] = []
        self._failures = 0
        self.first_failure = ""
        self.confirmed = 0
        self.refused = 0

    @property
    def waiting(self) -> int:
        """Events without an answer."""
        return len(self._waiting)

    def enter(self, event_id: str) -> int:
        """The event is about to be handed over; returns the number of its entry."""
        with self._lock:
            entry = self._next
            self._next = entry + 1
            self._waiting[entry] = event_id
        return entry

    def withdraw(self, entry: int) -> None:
        """The event was not handed over after all."""
        with self._lock:
            del self._waiting[entry]

    def settle(self, entry: int, error: KafkaError | None, message: Message) -> None:
        """The broker has, or has refused, the event."""
        with self._lock:
            event_id = self._waiting.pop(entry, "")
            if error is None:
                self.confirmed += 1
                return
            self.refused += 1
            self._failures += 1
            if len(self._failed) < MAX_REMEMBERED:
                self._failed.append(event_id)
            self.first_failure = self.first_failure or f"{error.str()} (topic {message.topic()})"
        self._on_refusal(error)

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Whether every event has an answer within ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while self._waiting and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return not self._waiting

    def take_failed(self) -> tuple[list[str], int, str]:
        """Ids of the events refused since the last call, how many there were, and why the first of them was."""
        with self._lock:
            taken = self._failed, self._failures, self.first_failure
            self._failed, self._failures, self.first_failure = [], 0, ""
        return taken

    def unanswered(self) -> list[str]:
        """Ids of the events without an answer, in the order in which they were handed over; at most a thousand."""
        with self._lock:
            return list(islice(self._waiting.values(), MAX_REMEMBERED))
