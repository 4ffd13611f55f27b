"""Who is erased, for a console that starts and runs while Kafka is away."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException

from stream.errors import SettingsError, StorageError, TopologyError
from stream.privacy.erasure_feed import ErasureFeed
from stream.privacy.erasures import Erasures
from stream.settings import Settings

__all__ = ["FollowedErasures"]


class FollowedErasures:
    """Use as a context manager: ``erasures`` follow the topic on a thread, as soon as a broker answers.

    What cannot be read at all is told by `Erasures.position`.
    """

    def __init__(self, settings: Settings) -> None:
        self._stop = threading.Event()
        self._feed = ErasureFeed(settings, self._stop)
        self._thread = threading.Thread(target=self._follow, name="erased people")

    @property
    def erasures(self) -> Erasures:
        return self._feed.erasures

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            with self._feed:
                self._stop.wait()
        except (TopologyError, SettingsError, StorageError, KafkaException) as error:
            self.erasures.failed(error)
