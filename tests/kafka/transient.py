"""What a broker or a client says while a server is away or a group settles: it is asked again."""

from confluent_kafka import KafkaError, KafkaException

__all__ = ["TRANSIENT", "is_transient"]

#: No answer, or a leader or coordinator that is being chosen, moves, or still loads.
TRANSIENT = {
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}


def is_transient(error: KafkaException) -> bool:
    """Whether the same question may be answered a moment later."""
    return error.args[0].code() in TRANSIENT
