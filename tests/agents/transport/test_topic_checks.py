"""Assignments of the group, and the checks of topics and assignments."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.agents.transport import TP, CoRangeAssignor
from stream.agents.transport.assignor import corange
from stream.agents.transport.topic_checks import check_assignment, check_counts, check_topics
from stream.errors import TopologyError

EVENTS = frozenset({"click", "email", "purchase"})


class Cluster:
    """The part of aiokafka's cluster metadata that the assignor uses."""

    def __init__(self, **partitions: int) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._partitions[topic])) if topic in self._partitions else None


@given(
    partitions=st.integers(1, 24),
    others=st.dictionaries(st.sampled_from(["examples", "privacy", "wide"]), st.integers(1, 7)),
    workers=st.integers(1, 9),
)
def test_every_partition_has_one_owner_and_copartitioned_topics_the_same(
    partitions: int, others: dict[str, int], workers: int
) -> None:
    topics = {topic: range(count) for topic, count in (dict.fromkeys(EVENTS, partitions) | others).items()}
    members = {f"worker-{rank}": set(topics) for rank in range(workers)}
    assigned = corange(EVENTS, topics, members)

    owners = Counter(TP(t, p) for share in assigned.values() for t, numbers in share.items() for p in numbers)
    assert owners == Counter(TP(t, p) for t, numbers in topics.items() for p in numbers)
    for share in assigned.values():
        check_assignment(EVENTS, [TP(t, p) for t, numbers in share.items() for p in numbers])
    sizes = [len(share.get("click", ())) for share in assigned.values()]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


def test_topics_of_one_partition_go_to_the_last_members_backwards() -> None:
    topics = {topic: range(3) for topic in EVENTS} | {"examples": range(1), "privacy": range(1)}
    assigned = corange(EVENTS, topics, {name: set(topics) for name in ("a", "b")})
    assert [sorted(share.keys() - EVENTS) for share in assigned.values()] == [["privacy"], ["examples"]]


def test_members_get_only_topics_they_subscribe_to() -> None:
    topics = {topic: range(2) for topic in EVENTS} | {"examples": range(1)}
    assigned = corange(EVENTS, topics, {"events": set(EVENTS), "trainer": {"examples"}, "partly": {"click"}})
    assert assigned["events"] == {topic: [0, 1] for topic in sorted(EVENTS)}
    assert assigned["trainer"] == {"examples": [0]}
    assert assigned["partly"] == {}


@given(st.permutations(["worker-a", "worker-b", "worker-c"]))
def test_static_members_keep_their_partitions_whatever_ids_the_broker_gives_them(order: list[str]) -> None:
    members = {f"id-{number}": CoRangeAssignor(EVENTS, rank).metadata(EVENTS) for number, rank in enumerate(order)}
    assigned = CoRangeAssignor(EVENTS, order[0]).assign(Cluster(click=3, email=3, purchase=3), members)
    by_rank = {rank: assigned[f"id-{number}"].assignment for number, rank in enumerate(order)}
    assert by_rank == {f"worker-{letter}": [(topic, [p]) for topic in sorted(EVENTS)] for p, letter in enumerate("abc")}


def test_an_assignment_survives_the_wire() -> None:
    assignor = CoRangeAssignor(EVENTS, "worker-a")
    metadata = assignor.metadata(EVENTS)
    decoded = type(metadata).decode(metadata.encode())
    assignment = assignor.assign(Cluster(click=2, email=2, purchase=2), {"id": decoded})["id"]
    assert set(type(assignment).decode(assignment.encode()).partitions()) == {
        TP(topic, partition) for topic in EVENTS for partition in range(2)
    }


def test_a_missing_topic_is_named() -> None:
    with pytest.raises(TopologyError, match=r"do not exist: email, purchase; create"):
        check_topics(EVENTS, {"click": 4})


def test_unequal_partition_counts_are_listed() -> None:
    with pytest.raises(TopologyError, match=r"click: 4, email: 4, purchase: 6"):
        check_topics(EVENTS, {"click": 4, "email": 4, "purchase": 6, "alerts": 1})


def test_a_misaligned_assignment_is_an_error_and_an_empty_one_is_not() -> None:
    check_assignment(EVENTS, [TP("examples", 0)])
    with pytest.raises(TopologyError, match=r"click: \[0\], email: \[0\], purchase: \[1\]"):
        check_assignment(EVENTS, [TP("click", 0), TP("email", 0), TP("purchase", 1)])


@given(st.integers(1, 20), st.integers(1, 20))
def test_another_number_of_partitions_than_the_setting_is_refused(expected: int, found: int) -> None:
    counts = dict.fromkeys(EVENTS, found)
    if found == expected:
        check_topics(EVENTS, counts, expected)
        return
    with pytest.raises(TopologyError, match=rf"expected {expected} partitions.* click: {found}.* copy the events"):
        check_counts(counts, expected)
