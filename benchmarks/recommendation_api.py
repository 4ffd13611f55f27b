"""How fast the API tells recommendations: ``python -m benchmarks.recommendation_api [--customers N] [--items N]``.

A made-up shop is folded by the projection, and its states are put into a Redis of this machine. Then the console runs
as a process of its own, and a program asks it for one customer after the other over one connection, with a token: what
it measures is the whole answer, with the audit trail. Items sell by Zipf's law; each customer has ``--orders`` orders.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np
import redis

from benchmarks.recommendation_fold import records_of
from benchmarks.recommendation_log import Basket, Log
from stream.events.partitioner import partition_of
from stream.local.redis import EmbeddedRedis
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.projections.recommendations import Recommendations
from stream.settings import Settings
from stream.storage.keys import ProjectionKeys

__all__ = ["asked", "fill", "made_up_log"]

_STEP = 4096
_LINES = 8
_BEGIN_H = 480_000


def made_up_log(customers: int, items: int, orders: int, seed: int = 1) -> Log:
    """Orders of customers who like a part of the items each."""
    rng = np.random.default_rng(seed)
    chances = 1.0 / np.arange(1, items + 1) ** 0.7
    drawn = rng.choice(items, (orders * customers, _LINES), p=chances / chances.sum())
    # all items are sold at least once, and a customer buys half of an order again
    drawn[: items // _LINES + 1].flat[:items] = rng.permutation(items)
    baskets = [
        Basket(number % customers, _BEGIN_H + number * 2000 // (orders * customers), [*dict.fromkeys(lines)])
        for number, lines in enumerate(drawn.tolist())
    ]
    return Log(baskets, [f"item-{k}" for k in range(items)], [f"category-{k % 200}" for k in range(items)])


def fill(client: redis.Redis, settings: Settings, log: Log) -> int:
    """Fold a log, and store the states as workers do; returns their bytes."""
    keys = ProjectionKeys(settings.namespace, Recommendations.name, Recommendations.version, 0)
    records = records_of(log, len(log.baskets))
    stored_bytes = 0
    for number in range(settings.partitions):
        own = [one for one in records if partition_of((one.key or b"").decode(), settings.partitions) == number]
        own = [one._replace(offset=offset) for offset, one in enumerate(own)]
        partition = FoldingPartition(Recommendations(settings), number, ProjectionTopics("d", "a"), 2**62)
        states: dict[str, bytes] = {}
        for begin in range(0, len(own), _STEP):
            part = own[begin : begin + _STEP]
            missing = partition.read([Part(0, part, part[-1].offset + 1)])
            while missing:
                partition.remember(missing, [states.get(key) for key in missing])
                missing = partition.further()
            outcome = partition.step(0)
            partition.accept(outcome)
            states |= outcome.written
        pipe = client.pipeline(transaction=False)
        for key, state in states.items():
            pipe.set(keys.customer(number, key), state)
        pipe.hset(keys.meta(number), "state", msgspec.json.encode(partition.state))
        pipe.execute()
        stored_bytes += sum(map(len, states.values()))
    return stored_bytes


def asked(address: str, token: str, customers: Iterator[str], limit: int) -> list[float]:
    """Seconds until each answer."""
    to = urlsplit(address)
    connection = HTTPConnection(to.hostname or "", to.port, timeout=30.0)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    took = []
    for customer in customers:
        body = json.dumps({"customer_id": customer, "limit": limit})
        began = time.perf_counter()
        connection.request("POST", "/api/v1/customers/recommendations", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        took.append(time.perf_counter() - began)
        if answer.status != 200 or not json.loads(text)["again"]:  # noqa: PLR2004 - of HTTP
            raise SystemExit(f"{customer}: {answer.status} {text[:300]!r}")
    return took


def _measured(env: Mapping[str, str], options: argparse.Namespace) -> None:
    stream = [sys.executable, "-m", "stream", "console"]
    made = subprocess.run(  # noqa: S603 - the program of this repository
        [*stream, "token", "add", "bench"], env=env, check=True, capture_output=True, text=True
    )
    with subprocess.Popen(  # noqa: S603 - the same
        [*stream, "--port", "0"], env=env, stdout=subprocess.PIPE, text=True
    ) as console:
        try:
            address = re.sub(r"^console: ", "", (console.stdout.readline() if console.stdout else "").strip())
            rng = np.random.default_rng(2)
            drawn = rng.integers(0, options.customers, options.questions + 200).tolist()
            took = np.array(asked(address, made.stdout.strip(), (f"c{one}" for one in drawn), options.limit))
            memory = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{console.pid}/status").read_text("utf-8"))
            ticks = Path(f"/proc/{console.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[11:13]
        finally:
            console.terminate()
    first_ms, rest_ms = took[0] * 1000, took[200:] * 1000
    p50, p95, p99 = np.percentile(rest_ms, [50, 95, 99])
    cpu_ms = sum(map(int, ticks)) * 10 / len(took)
    print(
        f"first answer {first_ms:,.0f} ms; then p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms of"
        f" {len(rest_ms):,}; CPU of the console {cpu_ms:.2f} ms an answer, its start included;"
        f" memory of the console {int(memory[1]) / 1024 if memory else 0:,.0f} MB"
    )


def main() -> None:
    """Print how long answers took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--questions", type=int, default=5000)
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--partitions", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EmbeddedRedis(Path(name), appendonly=False) as server:
        settings = Settings(
            redis_url=server.url, partitions=options.partitions, customer_ids="any", data_dir=name, shop_currency="EUR"
        )
        began_s = time.process_time()
        with redis.Redis.from_url(server.url) as client:
            log = made_up_log(options.customers, options.items, options.orders)
            stored = fill(client, settings, log)
        print(f"{len(log.baskets):,} orders folded in {time.process_time() - began_s:,.0f} s; {stored / 1e6:,.0f} MB")
        _measured(settings.to_env(), options)


if __name__ == "__main__":
    main()
