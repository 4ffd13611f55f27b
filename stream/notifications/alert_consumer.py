"""Reading alerts and actions as a member of the notifier's consumer group."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.clock import Clock
from stream.errors import TopologyError
from stream.notifications.inbound import Inbound, inbound
from stream.notifications.offset_ledger import OffsetLedger, Partition
from stream.settings import Settings

__all__ = ["AlertConsumer", "missing_topics", "notify_group"]

_LOG = logging.getLogger(__name__)
_MAX_AT_ONCE: Final = 500
#: A partition that gives nothing for so long does not hold up the others.
_SILENCE_S: Final = 30.0
#: Another member has the partitions now and will do this work.
_LOST_MEMBERSHIP: Final = frozenset(
    {KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS}
)


def notify_group(settings: Settings) -> str:
    """The notifier's consumer group: ``<group>-notify``."""
    return f"{settings.group}-notify"


class AlertConsumer:
    """A consumer whose offsets are committed from a ledger. ``dropped``: called with partitions that are taken away."""

    def __init__(
        self,
        settings: Settings,
        ledger: OffsetLedger,
        clock: Clock,
        dropped: Callable[[Sequence[Partition]], None],
    ) -> None:
        self._topics = [settings.alerts, settings.actions]
        self._ledger = ledger
        self._clock = clock
        self._dropped = dropped
        self._is_paused = False
        self._behind: set[Partition] = set()
        self._progress_s = time.monotonic()
        self._consumer = Consumer(
            {
                **settings.librdkafka(),
                "client.id": "stream-notify",
                "group.id": notify_group(settings),
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "session.timeout.ms": round(settings.session_timeout_s * 1000),
                "heartbeat.interval.ms": round(settings.heartbeat_s * 1000),
                "fetch.wait.max.ms": settings.fetch_wait_ms,
                "log.connection.close": False,
                "on_commit": self._committed,
                **({"group.instance.id": f"{settings.instance_id}-notify"} if settings.instance_id else {}),
            },
            logger=logging.getLogger("librdkafka"),
        )
        self._consumer.subscribe(self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke)

    def fetch(self, timeout_s: float, *, is_wanted: bool) -> list[Inbound]:
        """Records that come within ``timeout_s``; none, but a live membership, unless they are wanted.

        Raises `TopologyError` for what waiting cannot mend.
        """
        self._pause(not is_wanted)
        now_ms = self._clock.now_ms()
        records = []
        for message in self._consumer.consume(_MAX_AT_ONCE, timeout_s):
            if (error := message.error()) is None:
                records.append(inbound(message, now_ms))
                self._progress_s = time.monotonic()
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                self._behind.discard((message.topic() or "", message.partition() or 0))
            elif error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}:
                raise TopologyError(f"the notifier may not read {' and '.join(self._topics)}: {error.str()}")
            else:
                _LOG.warning("Kafka: %s", error.str())
        return records

    @property
    def is_caught_up(self) -> bool:
        """Whether all that was in the topics when they were assigned has been read.

        Before that, what is read may be over: an alert is cleared, or someone has acted, a few records later. A
        partition that cannot be read does not hold up the others for long.
        """
        return not self._behind or time.monotonic() - self._progress_s > _SILENCE_S

    def commit(self, *, wait: bool = False) -> None:
        """Commit what the ledger says has moved; a commit that fails is made again with the next."""
        positions = self._ledger.committable()
        if not positions:
            return
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        self._ledger.committed(positions)
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._ledger.uncommitted(positions)
            if error.args[0].code() not in _LOST_MEMBERSHIP:
                _LOG.warning("offsets are not committed yet: %s", error.args[0].str())

    def close(self) -> None:
        """Commit and leave the group."""
        self.commit(wait=True)
        self._consumer.close()

    def _pause(self, pause: bool) -> None:  # noqa: FBT001 - one flag, private
        if pause == self._is_paused:
            return
        self._is_paused = pause
        assigned = self._consumer.assignment()
        (self._consumer.pause if pause else self._consumer.resume)(assigned)

    def _committed(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        if error is not None and error.code() not in _LOST_MEMBERSHIP:
            _LOG.warning("offsets are not committed yet: %s", error.str())
        if error is not None:
            self._ledger.uncommitted({(p.topic, p.partition): p.offset for p in partitions})

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        del consumer
        # partitions come unpaused
        self._is_paused = False
        self._behind |= {(partition.topic, partition.partition) for partition in partitions}
        self._progress_s = time.monotonic()
        _LOG.info("%d partitions assigned", len(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        del consumer
        self.commit(wait=True)
        revoked = [(partition.topic, partition.partition) for partition in partitions]
        self._behind.difference_update(revoked)
        self._dropped(revoked)


def missing_topics(settings: Settings, existing: Mapping[str, object]) -> list[str]:
    """Topics that the notifier needs and that do not exist."""
    return [name for name in (settings.alerts, *settings.notification_topics) if name not in existing]
