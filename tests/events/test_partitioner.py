"""Our partition of a customer is Kafka's."""

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import TopologyError
from stream.events.partitioner import murmur2, partition_of


# org.apache.kafka.common.utils.UtilsTest.testMurmur2
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_published_values(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected


@given(st.text(), st.integers(1, 1000))
def test_a_customers_partition_is_that_of_other_clients(customer_id: str, partitions: int) -> None:
    expected = (aiokafka_murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions
    assert partition_of(customer_id, partitions) == expected


@pytest.mark.parametrize("partitions", [0, -3])
def test_a_topic_without_partitions_is_an_error(partitions: int) -> None:
    with pytest.raises(TopologyError, match="create the topic"):
        partition_of("c-1", partitions)
