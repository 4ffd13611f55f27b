"""When the members of a group share the partitions as they are to."""

import pytest

from tests.kafka.groups import are_copartitioned

TOPICS = ("click", "email")


def _all_of(*partitions: int) -> set[tuple[str, int]]:
    return {(topic, partition) for topic in TOPICS for partition in partitions}


@pytest.mark.parametrize(
    ("assigned", "good"),
    [
        ({"w0": _all_of(0, 1), "w1": _all_of(2, 3)}, True),
        ({"w0": _all_of(0, 1), "w1": _all_of(2, 3) | {("training-examples", 0)}}, True),
        ({"w0": _all_of(0, 1, 2, 3), "w1": set()}, False),
        ({"w0": _all_of(0, 1), "w1": _all_of(2)}, False),
        ({"w0": _all_of(0, 1), "w1": _all_of(1, 2, 3)}, False),
        ({"w0": _all_of(0, 1, 2, 3)}, False),
        ({"w0": {("click", 0), ("email", 1)}, "w1": {("click", 1), ("email", 0)} | _all_of(2, 3)}, False),
    ],
    ids=["shared", "with another topic", "not yet", "one is missing", "one is doubled", "alone", "torn apart"],
)
def test_each_member_has_the_same_partitions_of_every_topic(
    assigned: dict[str, set[tuple[str, int]]], *, good: bool
) -> None:
    assert are_copartitioned(assigned, TOPICS, partitions=4, members=2) == good
