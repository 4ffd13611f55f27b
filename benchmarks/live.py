"""A steady load: events published in the present, at a rate, by a process of its own.

Some of them are probes: each is the first event of a new customer. Both processes use the system's monotonic clock.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from confluent_kafka import KafkaError, Message, Producer

from stream.settings import Settings

__all__ = ["Load", "Published", "publish"]

#: Seconds between two batches of events; no event is sent before its time.
_EVERY_S = 0.005
_FLUSHES_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """``rate`` events a second for ``seconds`` seconds, ``probes_per_s`` of them probes. ``tag`` is part of the ids."""

    rate: float
    seconds: float
    customers: int
    tag: str
    probes_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Published:
    """The number of events published, the time (s) of the last one, and the publisher's greatest delay (s)."""

    events: int
    ended: float
    behind_s: float


def publish(
    settings: Settings,
    load: Load,
    on_probe: Callable[[str, float], None],
    on_confirmed: Callable[[str, float], None],
) -> Published:
    """Run the load; ``on_probe`` gets each probe's customer and the time (s) at which the producer got it.

    ``on_confirmed``: the same with the time at which the producer has heard that the broker has it; some 5 ms late.
    Raises RuntimeError when the broker does not confirm all.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(settings, load, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            told = ours.recv()
            if isinstance(told, Published):
                return told
            sent, confirmed = told
            for customer, at_s in sent:
                on_probe(customer, at_s)
            for customer, at_s in confirmed:
                on_confirmed(customer, at_s)
    except EOFError as error:
        process.join()
        raise RuntimeError(f"the publisher ended with status {process.exitcode}") from error
    finally:
        ours.close()
        process.join()


def _run(settings: Settings, load: Load, pipe: Connection) -> None:
    producer = Producer(
        {
            **settings.librdkafka(),
            "partitioner": "murmur2_random",
            "linger.ms": 1,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    total = int(load.rate * load.seconds)
    drawn = np.random.default_rng(0).integers(0, load.customers, total).tolist()
    names = [f"c{number:06d}" for number in range(load.customers)]
    probe_every = max(int(load.rate / load.probes_per_s), 1) if load.probes_per_s else 0
    confirmed: list[tuple[str, float]] = []

    def note_confirmed(error: KafkaError | None, message: Message) -> None:
        if error is None and (key := message.key()) is not None:
            confirmed.append((key.decode(), time.monotonic()))

    topic, began, sent, behind_s = settings.events_click, time.monotonic(), 0, 0.0
    while sent < total:
        now = time.monotonic()
        due = min(int(load.rate * (now - began)) + 1, total)
        behind_s = max(behind_s, (due - sent) / load.rate - _EVERY_S)
        at_s = time.time()
        probes = []
        producer.poll(0)
        for k in range(sent, due):
            customer, on_delivery = names[drawn[k]], None
            if probe_every and k % probe_every == 0:
                customer = f"probe-{load.tag}-{k}"
                probes.append((customer, time.monotonic()))
                on_delivery = note_confirmed
            producer.produce(
                topic,
                key=customer,
                value=f'{{"event_id":"{load.tag}-{k}","customer_id":"{customer}","occurred_at":{at_s:.3f},'
                '"name":"page_viewed"}',
                on_delivery=on_delivery,
            )
        sent = due
        if probes or confirmed:
            pipe.send((probes, confirmed))
            confirmed.clear()
        time.sleep(_EVERY_S)
    ended = time.monotonic()
    if left := producer.flush(_FLUSHES_WITHIN_S):
        raise RuntimeError(f"the broker did not confirm {left:,} of {total:,} events")
    pipe.send(([], confirmed))
    pipe.send(Published(total, ended, behind_s))
    pipe.close()
