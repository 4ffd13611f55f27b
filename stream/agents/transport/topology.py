"""Checks of topics and assignments; pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from faust.types import TP

from stream.errors import TopologyError

__all__ = ["check_assignment", "check_topics"]


def check_topics(copartitioned: AbstractSet[str], partitions: Mapping[str, int]) -> None:
    """Raise `TopologyError` unless all ``copartitioned`` topics exist with equal partition counts.

    ``partitions`` counts the partitions of every topic of the cluster.

    >>> check_topics({"events.click", "events.email"}, {"events.click": 4, "events.email": 4, "alerts": 1})
    """
    missing = sorted(copartitioned - partitions.keys())
    if missing:
        raise TopologyError(
            f"expected the topics {_listed(sorted(copartitioned))}; these do not exist: {_listed(missing)}; "
            "create them with the partition count of the others and restart"
        )
    counts = {topic: partitions[topic] for topic in sorted(copartitioned)}
    if len(set(counts.values())) > 1:
        raise TopologyError(
            "expected equal partition counts, for partition p of all of them belongs to one worker; found "
            f"{_listed(f'{topic}: {number}' for topic, number in counts.items())}; "
            "create the topics anew with equal counts (added partitions would move customers to others)"
        )


def check_assignment(copartitioned: AbstractSet[str], assigned: Iterable[TP]) -> None:
    """Raise `TopologyError` unless this worker has the same partitions of all ``copartitioned`` topics.

    >>> check_assignment({"a", "b"}, [TP("a", 0), TP("b", 0), TP("c", 7)])
    """
    found: dict[str, set[int]] = {topic: set() for topic in copartitioned}
    for tp in assigned:
        if tp.topic in found:
            found[tp.topic].add(tp.partition)
    if len({frozenset(partitions) for partitions in found.values()}) > 1:
        listed = _listed(f"{topic}: {sorted(partitions)}" for topic, partitions in sorted(found.items()))
        raise TopologyError(
            f"expected the same partitions of the copartitioned topics on this worker, got {listed}; "
            "check that all topics have equal partition counts and that every worker of the group runs the "
            "same version with the same topic settings"
        )


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
