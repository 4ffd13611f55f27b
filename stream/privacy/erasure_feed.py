"""Reading the topic `privacy-requests` to its end, and following it on a thread of its own."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.errors import SettingsError, StorageError, TopologyError
from stream.events.message_headers import headers_of
from stream.identity.note_proof import NoteProof
from stream.privacy.erasures import Erasures
from stream.privacy.request_records import PrivacyRequest, decode_request
from stream.settings import Settings

__all__ = ["ErasureFeed"]

_LOG = logging.getLogger(__name__)
# what goes wrong is raised; without a handler of its own, Python would print what the library says
_QUIET = logging.getLogger("stream.privacy.erasure_feed.librdkafka")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())
_T = TypeVar("_T")

_METADATA_TIMEOUT_S: Final = 10.0
#: Who does not wait for ever is told after this time that no broker answers.
_FIRST_ANSWER_S: Final = 5.0
_POLL_S: Final = 0.2
_AT_ONCE: Final = 500
#: How often it looks whether a topic that was missing is there.
_AGAIN_S: Final = 10.0
_MISSING: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001 - their names


class ErasureFeed:
    """Keeps ``erasures`` up to date. Entered, it has read all that was in the topic: nobody erased is let in.

    A broker that is away is waited for until ``stop`` is set. With ``wait_s`` reading may take so long, and a broker
    that does not answer for five seconds is not waited for; then `StorageError` is raised.
    ``group``: one that the process may read in. An installation without the topic has erased nobody. Raises
    `TopologyError` for a topic that may not be read, and `SettingsError` when people are erased and there is no key.
    """

    def __init__(
        self, settings: Settings, stop: threading.Event | None = None, group: str = "", *, wait_s: float = math.inf
    ) -> None:
        # with keys whoever comes back has another pseudonym
        anew = settings.erased_people == "anew" and not settings.privacy_keys
        self.erasures = Erasures(settings.identity_key.encode(), anew=anew)
        self._settings = settings
        self._topic = settings.privacy_requests
        self._proof = NoteProof.of(settings)
        self._stop = stop or threading.Event()
        self._wait_s, self._deadline_s = wait_s, math.inf
        self._left = threading.Event()
        self._thread: threading.Thread | None = None
        self._next = 0
        self._consumer = Consumer(
            {
                **settings.librdkafka(),
                "client.id": "stream-privacy",
                # The partition is assigned by hand: the group is never joined, nothing is committed. Brokers ask for
                # the right to read in it all the same.
                "group.id": group or settings.group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "log.connection.close": False,
            },
            logger=_QUIET,
        )

    def __enter__(self) -> Self:
        self._deadline_s = time.monotonic() + self._wait_s
        try:
            self._read_to_end()
        except BaseException:
            self._consumer.close()
            raise
        # what comes later is followed for as long as it takes
        self._deadline_s = math.inf
        self._thread = threading.Thread(target=self._follow, name="erasures", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        if self._thread is not None:
            self._thread.join()
        self._consumer.close()

    def _read_to_end(self) -> None:
        if not self._is_there():
            return
        end = self._end()
        self._begin()
        while not self._stop.is_set() and self._next < end:
            # the sign of the end comes half a second after the last record: for logs that end with something else
            if self._take(self._consumer.consume(_AT_ONCE, _POLL_S)):
                break
            self._left_s()

    def _left_s(self) -> float:
        """How long a broker is still waited for. Raises `StorageError` when that is over."""
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            where = self._settings.kafka_bootstrap
            raise StorageError(f"who is erased could not be read in {self._wait_s:g} s: does Kafka answer at {where}?")
        return left_s

    def _follow(self) -> None:
        try:
            # to the end of the block, so that what is done after a stop is told as well
            while not self._left.is_set():
                if not self._consumer.assignment():
                    if self._left.wait(_AGAIN_S) or not self._is_there():
                        continue
                    self._begin()
                self._take(self._consumer.consume(_AT_ONCE, _POLL_S))
        except (TopologyError, SettingsError, KafkaException) as error:
            self.erasures.failed(error)

    def _begin(self) -> None:
        self._consumer.assign([TopicPartition(self._topic, 0, OFFSET_BEGINNING)])

    def _end(self) -> int:
        """The offset after the last record of the topic, 0 for an empty one."""
        of = TopicPartition(self._topic, 0)
        begin, end = self._answer(lambda timeout_s: self._consumer.get_watermark_offsets(of, timeout=timeout_s)) or (
            0,
            0,
        )
        return end if end > begin else 0

    def _is_there(self) -> bool:
        found = self._answer(lambda timeout_s: self._consumer.list_topics(self._topic, timeout=timeout_s))
        if found is None:
            return False
        topic = found.topics[self._topic]
        if topic.error is None:
            return bool(topic.partitions)
        if topic.error.code() not in _MISSING:
            raise TopologyError(f"topic {self._topic} cannot be read: {topic.error.str()}")
        _LOG.warning("no topic %s: nobody is erased (stream topics create)", self._topic)
        return False

    def _answer(self, ask: Callable[[float], _T]) -> _T | None:
        """What a broker answers, with a timeout (s), however often that takes; None when told to stop meanwhile.

        Raises `TopologyError` where the topic may not be read.
        """
        while not (self._stop.is_set() or self._left.is_set()):
            is_patient = self._deadline_s == math.inf
            try:
                limit_s = _METADATA_TIMEOUT_S if is_patient else min(_FIRST_ANSWER_S, max(self._left_s(), _POLL_S))
                return ask(limit_s)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    raise TopologyError(f"topic {self._topic} cannot be read: {error.args[0].str()}") from error
                silence = f"no Kafka broker answers at {self._settings.kafka_bootstrap}: {error.args[0].str()}"
                if not is_patient:
                    raise StorageError(f"who is erased could not be read: {silence}") from error
                _LOG.warning("%s", silence)
        return None

    def _take(self, messages: list[Message]) -> bool:
        """Take records in; returns whether the end of the topic was among them."""
        is_end = False
        for message in messages:
            error = message.error()
            if error is None:
                offset = message.offset() or 0
                self.erasures.take(offset, self._request(message))
                self._next = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                is_end = True
            elif error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, *_MISSING}:
                raise TopologyError(f"topic {self._topic} cannot be read: {error.str()}")
            else:
                _LOG.warning("Kafka: %s", error.str())
        return is_end

    def _request(self, message: Message) -> PrivacyRequest | None:
        if not self._settings.identity_key:
            raise SettingsError(
                f"the topic {self._topic} says who is erased, by hashes under STREAM_IDENTITY_KEY: set it as it was"
            )
        key, value, place = message.key() or b"", message.value(), message.offset()
        if not self._proof.holds(headers_of(message.headers()), key, value):
            _LOG.error("record %s of %s is not written with the identity_key: passed over", place, self._topic)
            return None
        if value is None:
            return None
        try:
            return decode_request(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _LOG.error("record %s of %s cannot be read: passed over", place, self._topic)
            return None
