"""Who of the group gets which partitions."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from aiokafka.cluster import ClusterMetadata  # type: ignore[import-untyped]
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor  # type: ignore[import-untyped]
from aiokafka.coordinator.protocol import (  # type: ignore[import-untyped]
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

__all__ = ["CoRangeAssignor", "corange"]

VERSION = 0


def corange(
    copartitioned: AbstractSet[str],
    partitions: Mapping[str, Sequence[int]],
    members: Mapping[str, AbstractSet[str]],
) -> dict[str, dict[str, list[int]]]:
    """Assign ``{topic: partitions}`` to ``{member: subscribed topics}``, whose order is the rank. Pure.

    The copartitioned topics are cut into one range of partitions for each member that subscribes to all
    of them, other topics of more than one partition into one for each subscriber; the first members get the
    longer ranges. Other topics of one partition go, one each, to the last members, which have least to do.
    Returns ``{member: {topic: partitions}}``.

    >>> topics = {"a": [0, 1, 2], "b": [0, 1, 2], "examples": [0]}
    >>> corange({"a", "b"}, topics, {"m1": set(topics), "m2": set(topics)})
    {'m1': {'a': [0, 1], 'b': [0, 1]}, 'm2': {'a': [2], 'b': [2], 'examples': [0]}}
    """
    assigned: dict[str, dict[str, list[int]]] = {member: {} for member in members}
    singles = 0
    for topic in sorted(partitions):
        needed = copartitioned if topic in copartitioned else {topic}
        candidates = [member for member, subscribed in members.items() if needed <= subscribed]
        numbers = sorted(partitions[topic])
        if not candidates:
            continue
        if len(numbers) == 1 and topic not in copartitioned:
            assigned[candidates[-1 - singles % len(candidates)]][topic] = numbers
            singles += 1
            continue
        share, longer = divmod(len(numbers), len(candidates))
        start = 0
        for rank, member in enumerate(candidates):
            end = start + share + (rank < longer)
            if end > start:
                assigned[member][topic] = numbers[start:end]
            start = end
    return assigned


class CoRangeAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka is untyped
    """`corange` as an aiokafka assignor: an instance, for it knows the topics and the rank of this member.

    Members are ordered by ``rank`` (the static group instance id, if there is one), then by member id, so a
    group of static members gets the same assignment after every restart. Each member announces its rank in
    its metadata; the group leader assigns for all.
    """

    name = "stream-corange"

    def __init__(self, copartitioned: AbstractSet[str], rank: str) -> None:
        self._copartitioned = copartitioned
        self._rank = rank

    def assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Called on the leader of the group, for all members."""
        ranked = sorted(members, key=lambda member: (members[member].user_data or b"", member))
        subscriptions = {member: set(members[member].subscription) for member in ranked}
        topics = set().union(*subscriptions.values())
        partitions = {topic: sorted(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        return {
            member: ConsumerProtocolMemberAssignment(VERSION, sorted(share.items()), b"")
            for member, share in corange(self._copartitioned, partitions, subscriptions).items()
        }

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(VERSION, sorted(topics), self._rank.encode())

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing to remember: an assignment depends on the members alone."""
