"""Whether Kafka is there, looked at in the background, so that a request need not wait to find that it is not."""

import asyncio
import logging

from stream.client.producer import Producer
from stream.errors import TopologyError
from stream.ingest import metrics

__all__ = ["Reachability"]

_LOG = logging.getLogger(__name__)

_EVERY_S = 5.0
_AGAIN_S = 0.5
_TIMEOUT_S = 3.0


class Reachability:
    """``problem`` says why no event can be published; empty while there is no reason to think so."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._suspicion = asyncio.Event()
        self.problem = "Kafka has not answered yet"

    def suspect(self) -> None:
        """Kafka did not confirm something: look again now."""
        self._suspicion.set()

    async def run(self) -> None:
        """Look until cancelled, or until the producer can do nothing any more."""
        while not self._producer.fatal:
            problem = await self._look()
            if problem != self.problem:
                level = logging.WARNING if problem else logging.INFO
                _LOG.log(level, "%s", problem or "Kafka answers, and the topics are there")
            self.problem = problem
            metrics.INGEST_READY.set(not problem)
            self._suspicion.clear()
            try:
                await asyncio.wait_for(self._suspicion.wait(), _AGAIN_S if problem else _EVERY_S)
            except TimeoutError:
                continue
        self.problem = self._producer.fatal

    async def _look(self) -> str:
        try:
            missing = await asyncio.to_thread(self._producer.missing_topics, _TIMEOUT_S)
        except TopologyError as error:
            return str(error)
        return f"no topic {', '.join(missing)}: stream topics create" if missing else ""
