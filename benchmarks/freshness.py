"""How soon the console shows an event: ``python -m benchmarks.freshness [--probes N] [--rate R] [--write]``.

``stream up`` runs as an owner runs it, with its defaults: broker, Redis, a worker, the directory and the console, on
this machine. After a history of some thousand events, a client publishes the first order of a new customer, and asks
for the page of that customer until it shows the order; then until it shows the stage, which the worker has to find and
publish. The clock begins before the order is handed to the producer and ends when the page has been read. With
``--rate``, that many events a second of other customers are published meanwhile. ``--write`` puts the table into
``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks.pages import write_table
from stream.cli.reach import Local, reach
from stream.cli.settle import wait_until_settled
from stream.client import ClickEvent, Producer, PurchaseEvent
from stream.settings import Settings
from tests.cli.shop_runs import LOG, UpProcess, run_in

_DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
_HISTORY = "2000"
#: Of the pages of one customer, asked for one after the other.
_PAUSE_S = 0.02
_SHOWN_WITHIN_S = 60.0
#: Probes that do not count: the history ends years ago, so the first event of today lets these years pass in its
#: partition, once, which takes seconds.
_WARM = 40


def _page(connection: HTTPConnection, customer: str) -> str:
    """The page of a customer; empty before there is one."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
    connection.request("POST", "/customer", urlencode({"customer_id": customer}), headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    return told if answer.status == HTTPStatus.OK else ""


def _shown(connection: HTTPConnection, customer: str, is_there: Callable[[str], bool]) -> float:
    """When the page was there that shows it, s of the monotonic clock."""
    deadline = time.monotonic() + _SHOWN_WITHIN_S
    while not is_there(_page(connection, customer)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{customer} is not shown after {_SHOWN_WITHIN_S:g} s")
        time.sleep(_PAUSE_S)
    return time.monotonic()


def _order(customer: str) -> PurchaseEvent:
    return PurchaseEvent(
        event_id=uuid.uuid4().hex,
        customer_id=customer,
        occurred_at=datetime.now(UTC),
        name="completed",
        order_id=f"order-of-{customer}",
        amount=49.9,
        currency="GBP",
    )


@contextmanager
def _load(settings: Settings, rate: float) -> Iterator[None]:
    """Publish ``rate`` clicks a second until the block ends."""
    over = threading.Event()

    def publish() -> None:
        began, sent = time.monotonic(), 0
        with Producer(settings) as producer:
            while not over.wait(0.05):
                while sent < (time.monotonic() - began) * rate:
                    customer = f"busy-{sent % 5000}"
                    at = datetime.now(UTC)
                    producer.publish(
                        ClickEvent(
                            event_id=uuid.uuid4().hex, customer_id=customer, occurred_at=at, name="product_viewed"
                        )
                    )
                    sent += 1

    thread = threading.Thread(target=publish, daemon=True)
    if rate:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if rate:
            thread.join()


def _measured(settings: Settings, port: int, probes: int, rate: float) -> dict[str, list[float]]:
    """Seconds of each probe, by what the page shows."""
    found: dict[str, list[float]] = {"an order": [], "the stage that follows": []}
    connection = HTTPConnection("127.0.0.1", port, timeout=_SHOWN_WITHIN_S)
    with Producer(settings) as producer, _load(settings, rate):
        for number in range(-_WARM, probes):
            customer = f"probe-{number}-{uuid.uuid4().hex[:6]}"
            began = time.monotonic()
            producer.publish(_order(customer))
            with_order = _shown(connection, customer, lambda text, name=customer: f"order-of-{name}" in text)  # type: ignore[misc]
            with_stage = _shown(connection, customer, lambda text: "<dd>new, since" in text)
            if number >= 0:
                found["an order"].append(with_order - began)
                found["the stage that follows"].append(with_stage - began)
    connection.close()
    return found


def _table(figures: dict[str, dict[str, list[float]]]) -> str:
    lines = ["| meanwhile | the page shows | p50 (s) | p95 (s) | longest (s) |", "|---|---|--:|--:|--:|"]
    for meanwhile, measured in figures.items():
        for what, times in measured.items():
            p50, p95 = np.percentile(times, (50, 95))
            lines.append(f"| {meanwhile} | {what} | {p50:.2f} | {p95:.2f} | {max(times):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and put it into the page if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--probes", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "shop"
        with UpProcess(path) as up:
            run_in(path, "produce", str(LOG), "--limit", _HISTORY).check_returncode()
            layout = up.directory.layout()
            if layout is None:
                raise SystemExit(up.output)
            with reach({"STREAM_DATA_DIR": str(path)}, {}, Local.FIND) as settings:
                wait_until_settled(settings)
                figures = {
                    name: _measured(settings, layout.console_port, given.probes, rate)
                    for name, rate in (("nothing else", 0.0), (f"{given.rate:g} events a second", given.rate))
                }
    table = _table(figures)
    print(table)
    if given.write:
        write_table(_DOCS, "freshness", table)


if __name__ == "__main__":
    main()
