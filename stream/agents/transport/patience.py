"""Starting a client while no broker answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]
from faust import Service
from faust.transport.drivers import aiokafka as driver

__all__ = ["PatientProducer", "started"]

_RETRY_S: Final = 1.0


async def started(start: Callable[[], Awaitable[object]], service: Service) -> None:
    """``start`` a client of ``service``, again until a broker answers or the service is stopped.

    Brokers were there when the process began (`stream.agents.kafka_access`); they may be gone a second later.
    """
    while not service.should_stop:
        try:
            await start()
        except KafkaConnectionError as error:
            service.log.warning("no Kafka broker answers: %s; asking again in %g s", error, _RETRY_S)
            await asyncio.sleep(_RETRY_S)
        else:
            return


class PatientProducer(driver.Producer):
    """Faust's producer. Nothing is sent with it, but Faust starts it first."""

    async def on_start(self) -> None:
        await super(driver.Producer, self).on_start()
        producer: Any = self._new_producer()
        self._producer = producer
        self.beacon.add(producer)
        await started(producer.start, self)
