"""Records of one partition that were received and not yet stored, and when they make a step."""

from __future__ import annotations

import asyncio
import logging
import math

import numpy as np

from stream import metrics
from stream.agents.input_protocols import EventBatch, Inputs
from stream.agents.worker_options import WorkerOptions
from stream.catalogue.events import KERNEL_TYPES
from stream.clock import Clock
from stream.events.decode import Decoder
from stream.events.packed_records import PackedRecords
from stream.processing.align import Aligner, Taken

__all__ = ["Received"]

_LOG = logging.getLogger(__name__)

_TYPES = KERNEL_TYPES
_SOURCES = range(len(_TYPES))
#: About so many customers at most in a step: one script call writes all their documents, and Redis does nothing else.
_STEP_CUSTOMERS = 8000
#: A step that the logs can fill is waited for as long as batches come that soon, one after the other (s).
_FETCH_S = 1.0
#: An input is fetched ahead as if it had this share of the records at least: it may have more from now on.
_LEAST_SHARE = 0.25 / len(_TYPES)


class Received:
    """Decodes and aligns what is delivered, and decides how much to fetch ahead and how long to wait for more."""

    def __init__(self, partition: int, decoder: Decoder, inputs: Inputs, clock: Clock, options: WorkerOptions) -> None:
        self._partition = partition
        self._clock = clock
        self._decoder = decoder
        self._inputs = inputs
        self._options = options
        self._aligner = Aligner(len(_TYPES))
        self._held: set[int] = set()
        self._given_up: set[int] = set()
        #: Of the records of the last steps, how many each input had.
        self._shares = np.full(len(_TYPES), 1.0 / len(_TYPES))
        #: Of the last step; customers who come again soon are written once.
        self._customers_per_record = 1.0
        self._waiting_since: float | None = None
        self._gathering_since: float | None = None
        self._added_at = 0.0
        #: How often an input that lags, or brings more for a larger step, was why there is no step.
        self.waits = 0

    def clear(self) -> None:
        """Forget everything that was received, and fetch every input again."""
        self._aligner.clear()
        self._waiting_since = None
        for source in self._held:
            self._inputs.release(source)
        self._held.clear()
        self._given_up.clear()

    def add(self, source: int, batch: EventBatch) -> None:
        """Take a fetched batch of input ``source`` in."""
        records = batch.records
        with metrics.STEP.labels("decode").time():
            # all else that events say is as large as the records, and is not looked at again
            decoded = self._decoder.decode(_TYPES[source], records)._replace(contents=[])
        offsets = np.fromiter((record.offset for record in records), np.int64, len(records))
        packed = PackedRecords(records, offsets, decoded)
        batch.keep(packed)
        self._aligner.push(source, batch, offsets, packed, decoded)
        self._given_up.discard(source)
        self._added_at = asyncio.get_running_loop().time()
        self.waits += self._gathering_since is not None
        if self._aligner.buffered(source) >= self._enough(source) and source not in self._held:
            self._held.add(source)
            self._inputs.hold(source)

    def count(self, source: int) -> int:
        """Records of an input that wait here."""
        return self._aligner.buffered(source)

    def oldest_appended_at_ms(self, source: int) -> int | None:
        """When the oldest record of an input that waits here was appended; None: there is none."""
        record = self._aligner.oldest(source)
        return None if record is None else int(record.timestamp)

    @property
    def is_idle(self) -> bool:
        """Whether every input is at the end of its log, with nothing waiting here."""
        return not any(self._aligner.buffered(source) or not self._inputs.at_end(source) for source in _SOURCES)

    @property
    def is_waiting(self) -> bool:
        """Whether an input that lags holds the others back.

        It gives no signal when its log turns out to be at its end.
        """
        return self._waiting_since is not None

    def gather_s(self) -> float:
        """How long to wait for more records of an input that lags, 0.0 if not at all.

        A partition that is far behind has no latency to protect, and a larger step writes a customer of many events
        once. An input that brings little holds back the others, of which there may be plenty; none brings more while it
        is held. One that follows current events is hardly ever at the end of its log when there are many; it must not
        wait for more of them. Where the logs have all that the step lacks, the wait is longer: what is missing comes
        while the other partitions of this worker step.
        """
        wanted = np.ceil(self._shares * self._limit())
        little = [k for k in _SOURCES if k not in self._held and self._aligner.buffered(k) < wanted[k]]
        awaited = [k for k in little if not self._holds_nothing_back(k)]
        if not awaited or not self._waits_for_long():
            self._gathering_since = None
            return 0.0
        now = asyncio.get_running_loop().time()
        if self._gathering_since is None:
            self._gathering_since = now
        until = self._gathering_since + self._options.gather_s
        if all((self._inputs.lag(k) or 0) >= wanted[k] - self._aligner.buffered(k) for k in awaited):
            until = max(until, min(self._gathering_since + self._options.fill_s, self._added_at + _FETCH_S))
        return until - now

    @property
    def is_behind(self) -> bool:
        """Whether records have waited for long, or there are more of them in the logs than a step takes."""
        return self._waits_for_long() or any(
            (self._inputs.lag(source) or 0) >= self._options.step_records for source in _SOURCES
        )

    def _waits_for_long(self) -> bool:
        """Whether the oldest record that waits here has waited for long, in its topic or here."""
        oldest = [self.oldest_appended_at_ms(source) for source in _SOURCES]
        since_ms = min((at_ms for at_ms in oldest if at_ms is not None), default=None)
        return since_ms is not None and self._clock.now_ms() - since_ms >= self._options.behind_s * 1000

    def take(self) -> Taken | None:
        """The records of the next step, if there are any."""
        self._gathering_since = None
        taken = self._aligner.take(self._at_end(), self._limit())
        if taken is not None and len(taken.sources):
            counts = np.bincount(taken.sources, minlength=len(_TYPES))
            self._shares = (self._shares + counts / len(taken.sources)) / 2.0
        for source in tuple(self._held):
            if self._aligner.buffered(source) < self._enough(source) // 2 + 1:
                self._held.remove(source)
                self._inputs.release(source)
        return taken

    def note_step(self, records: int, customers: int) -> None:
        """A step of so many records has written so many documents: that bounds the next one."""
        self._customers_per_record = max(customers, 1) / records

    def _limit(self) -> int:
        """About how many records the next step takes."""
        return min(self._options.step_records, math.ceil(_STEP_CUSTOMERS / self._customers_per_record))

    def _enough(self, source: int) -> int:
        """Records of an input that are enough to have in memory: the inputs together fill a step."""
        return math.ceil(self._options.step_records * max(float(self._shares[source]), _LEAST_SHARE))

    def _at_end(self) -> list[bool]:
        """Inputs that hold nothing back: at the end of their log, or given up until they bring something."""
        at_end = [self._holds_nothing_back(source) for source in _SOURCES]
        lagging = self._aligner.waiting_for(at_end)
        now = asyncio.get_running_loop().time()
        self.waits += bool(lagging)
        if not lagging:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since >= self._options.align_wait_s:
            _LOG.warning("partition %d continues without the lagging inputs %s", self._partition, lagging)
            self._given_up.update(lagging)
            self._waiting_since = None
            at_end = [end or source in self._given_up for source, end in enumerate(at_end)]
        return at_end

    def _holds_nothing_back(self, source: int) -> bool:
        return self._inputs.at_end(source) or source in self._given_up
