"""Checks of topics and assignments; pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from faust.types import TP

from stream.errors import TopologyError

__all__ = ["check_assignment", "check_counts", "check_topics"]


def check_topics(copartitioned: AbstractSet[str], partitions: Mapping[str, int], expected: int | None = None) -> None:
    """Raise `TopologyError` unless all ``copartitioned`` topics exist with ``expected`` (None: equal) partitions.

    ``partitions`` counts the partitions of every topic of the cluster.

    >>> check_topics({"events.click", "events.email"}, {"events.click": 4, "events.email": 4, "alerts": 1})
    """
    missing = sorted(copartitioned - partitions.keys())
    if missing:
        raise TopologyError(
            f"expected the topics {_listed(sorted(copartitioned))}; these do not exist: {_listed(missing)}; "
            "create them with the partition count of the others and restart"
        )
    check_counts({topic: partitions[topic] for topic in copartitioned}, expected)


def check_counts(partitions: Mapping[str, int], expected: int | None = None) -> None:
    """Raise `TopologyError` unless all topics, ``{topic: partitions}``, have ``expected`` (None: equal) partitions.

    >>> check_counts({"events.click": 4, "events.email": 4}, expected=4)
    """
    listed = _listed(f"{topic}: {number}" for topic, number in sorted(partitions.items()))
    if len(set(partitions.values())) > 1:
        raise TopologyError(
            f"expected equal partition counts, because one worker owns partition p of all of them; found {listed}; "
            "create the topics anew with equal counts (added partitions would move customers to others)"
        )
    if expected is not None and any(number != expected for number in partitions.values()):
        raise TopologyError(
            f"expected {expected} partitions, as in the setting partitions; found {listed}; a customer's partition "
            "follows from the count, so events of known customers would go where their state is not: correct the "
            "setting, or, if partitions were added, copy the events to new topics (docs/reliability.md, Partitions)"
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
