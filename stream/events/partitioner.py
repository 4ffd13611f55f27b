"""The partition of a customer, as Kafka's own clients compute it.

Java's default partitioner, aiokafka and librdkafka's ``murmur2_random`` agree on it; librdkafka's default
(CRC32) does not.
"""

from typing import Final

from stream.errors import TopologyError

__all__ = ["murmur2", "partition_of"]

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_U32: Final = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Return the 32-bit MurmurHash2 of `key` with Kafka's seed, signed as in ``Utils.murmur2`` of Kafka's
    Java client.

    >>> murmur2(b"foobar")
    -790332482
    """
    length = len(key)
    h = _SEED ^ length
    body = length & ~3
    for at in range(0, body, 4):
        k = (int.from_bytes(key[at : at + 4], "little") * _M) & _U32
        k = ((k ^ (k >> 24)) * _M) & _U32
        h = ((h * _M) & _U32) ^ k
    if length > body:
        h = ((h ^ int.from_bytes(key[body:], "little")) * _M) & _U32
    h = ((h ^ (h >> 13)) * _M) & _U32
    h ^= h >> 15
    return h - (1 << 32) if h & 0x80000000 else h


def partition_of(customer_id: str, partitions: int) -> int:
    """Return the partition, of `partitions`, of the records keyed `customer_id`.

    >>> partition_of("foobar", 12)
    6
    """
    if partitions < 1:
        raise TopologyError(f"expected a topic with at least one partition, got {partitions}; create the topic first")
    return (murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions
