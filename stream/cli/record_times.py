"""Whose clock tells when an event was appended: events are judged by it, see `stream.events.decode.Decoder`."""

from collections.abc import Iterable, Iterator

from confluent_kafka.admin import AdminClient

from stream.cli.findings import Finding, FindingLevel
from stream.cli.topic_configs import values_of

__all__ = ["record_time_findings"]

_TYPE = "message.timestamp.type"
_ADVICE = (
    "a producer with a wrong clock can put the stream time of a partition far ahead, and retention goes by its times: "
    f"kafka-configs.sh --alter --entity-type topics --entity-name ... --add-config {_TYPE}=LogAppendTime"
)


def record_time_findings(admin: AdminClient, topics: Iterable[str]) -> Iterator[Finding]:
    """A finding on the timestamps of all ``topics``; none when no broker tells."""
    types = values_of(admin, topics, _TYPE)
    by_producers = sorted(topic for topic, kind in types.items() if kind != "LogAppendTime")
    if by_producers:
        found = f"the times of records are the producers' in {', '.join(by_producers)}"
        yield Finding(FindingLevel.WARN, "event topics", found, _ADVICE)
    elif types:
        yield Finding(FindingLevel.OK, "event topics", "the times of records are the broker's")
