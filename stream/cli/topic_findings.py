"""Whether the topics are what the program needs."""

from collections.abc import Iterator

from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata

from stream.cli.findings import Finding, FindingLevel
from stream.settings import Settings

__all__ = ["topic_findings"]

_CREATE = "create it: stream topics create"


def topic_findings(settings: Settings, metadata: ClusterMetadata) -> Iterator[Finding]:
    """A finding for each topic, and one on the equality of the event topics' partition counts."""
    counts = {name: len(topic.partitions) for name, topic in metadata.topics.items()}
    for name, expected in settings.topics.items():
        subject = f"topic {name}"
        if name not in counts:
            # a worker runs without them; `stream notify` asks for them itself
            level = FindingLevel.WARN if name in settings.notification_topics else FindingLevel.FAIL
            yield Finding(level, subject, "does not exist", _CREATE)
            continue
        found = _count(counts[name], "partition")
        if name in _in_order(settings) and counts[name] != expected:
            yield Finding(
                FindingLevel.FAIL, subject, found, "it is read in order from one partition: delete and re-create it"
            )
        elif counts[name] != expected:
            yield Finding(FindingLevel.WARN, subject, found, f"the setting partitions is {expected}: make them agree")
        else:
            yield _replicas(settings, metadata.topics[name], subject, found)
    yield from _equal_partitions(settings, counts)


def _in_order(settings: Settings) -> frozenset[str]:
    """Topics that one reader reads in the order in which they were written."""
    return frozenset({settings.training_examples, settings.privacy_requests})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _replicas(settings: Settings, topic: TopicMetadata, subject: str, found: str) -> Finding:
    replicas = min((len(partition.replicas) for partition in topic.partitions.values()), default=0)
    found = f"{found}, {_count(replicas, 'replica')}"
    leaderless = [number for number, partition in topic.partitions.items() if partition.leader < 0]
    if leaderless:
        return Finding(FindingLevel.FAIL, subject, f"{found}, no leader for {leaderless}", "bring its brokers back")
    if replicas < settings.replication:
        return Finding(FindingLevel.WARN, subject, found, f"the setting replication is {settings.replication}")
    return Finding(FindingLevel.OK, subject, found)


def _equal_partitions(settings: Settings, counts: dict[str, int]) -> Iterator[Finding]:
    present = {name: counts[name] for name in settings.all_event_topics if name in counts}
    if len({*present.values()}) > 1:
        yield Finding(
            FindingLevel.FAIL,
            "event topics",
            f"unequal partition counts {present}",
            "partition p of all of them belongs to one worker: re-create them, or add partitions to the "
            "smaller ones before the first event (a customer must never move to another partition)",
        )
    elif len(present) == len(settings.all_event_topics):
        yield Finding(FindingLevel.OK, "event topics", "equal partition counts")
