"""Event logs in time order, however large: sorted runs in temporary files, merged."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from operator import attrgetter
from typing import IO

import msgspec

from stream.events.log_event import LogEvent

__all__ = ["in_time_order"]

#: Events that are held in memory; some 100 MB of them.
MAX_EVENTS = 200_000
#: Runs that are merged at a time: each is an open file.
MAX_RUNS = 64
#: Events that are written and read at a time.
_BLOCK = 500
_LENGTH_BYTES = 4

_AT = attrgetter("at_ms")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[LogEvent])


def in_time_order(
    events: Iterable[LogEvent], *, max_events: int = MAX_EVENTS, max_runs: int = MAX_RUNS
) -> Iterator[LogEvent]:
    """Yield ``events`` by event time; those of the same time in the order in which they came.

    All are read before the first is yielded, and at most about ``max_events`` are held in memory.
    """
    source = iter(events)
    with ExitStack() as files:
        runs: list[IO[bytes]] = []
        chunk = sorted(islice(source, max_events), key=_AT)
        while len(chunk) == max_events:
            runs.append(_spilled(chunk, files))
            if len(runs) == max_runs:
                runs = [_spilled(_merged(runs), files)]
            chunk = sorted(islice(source, max_events), key=_AT)
        yield from heapq.merge(*map(_read, runs), chunk, key=_AT)


def _merged(runs: list[IO[bytes]]) -> Iterator[LogEvent]:
    yield from heapq.merge(*map(_read, runs), key=_AT)
    for run in runs:
        run.close()


def _spilled(events: Iterable[LogEvent], files: ExitStack) -> IO[bytes]:
    run: IO[bytes] = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    source = iter(events)
    while block := list(islice(source, _BLOCK)):
        packed = _encoder.encode(block)
        run.write(len(packed).to_bytes(_LENGTH_BYTES))
        run.write(packed)
    return run


def _read(run: IO[bytes]) -> Iterator[LogEvent]:
    run.seek(0)
    while length := run.read(_LENGTH_BYTES):
        yield from _decoder.decode(run.read(int.from_bytes(length)))
