"""The members of a consumer group on real Kafka, and their partitions."""

from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.transient import is_transient

__all__ = ["are_copartitioned", "assignments"]


def assignments(bootstrap: str, group: str) -> dict[str, set[tuple[str, int]]]:
    """Topic partitions of each static member; nobody is a member while there is no coordinator to say so."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        description = admin.describe_consumer_groups([group])[group].result(10.0)
    except KafkaException as error:
        if is_transient(error):
            return {}
        raise
    return {
        member.group_instance_id: {(tp.topic, tp.partition) for tp in member.assignment.topic_partitions}
        for member in description.members
    }


def are_copartitioned(
    assigned: dict[str, set[tuple[str, int]]], topics: Sequence[str], partitions: int, members: int
) -> bool:
    """Whether so many members have shares in all partitions, and each the same partitions of every topic."""
    shares = []
    for of_member in assigned.values():
        by_topic = [frozenset(p for t, p in of_member if t == topic) for topic in topics]
        if len(set(by_topic)) != 1:
            return False
        shares.append(by_topic[0])
    covered = sorted(partition for share in shares for partition in share)
    return len(shares) == members and all(shares) and covered == [*range(partitions)]
