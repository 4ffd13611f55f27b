"""Nothing but reading and decoding: librdkafka's consumer and orjson."""

import orjson
import redis
from confluent_kafka import Consumer
from job import BROKER, GROUP, PROGRESS, REDIS, TOPICS

BATCH = 10_000


def main() -> None:
    """Run until killed."""
    consumer = Consumer(
        {
            "bootstrap.servers": BROKER,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe(TOPICS)
    client = redis.Redis.from_url(REDIS)
    while True:
        messages = consumer.consume(BATCH, timeout=0.05)
        for message in messages:
            orjson.loads(message.value())
        if messages:
            client.incrby(PROGRESS, len(messages))


if __name__ == "__main__":
    main()
