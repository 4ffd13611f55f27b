"""Everything works on a Redis Cluster: one slot a partition, so one script writes a step there as well."""

import asyncio
import gc
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.local.broker import EmbeddedBroker
from stream.storage.connection import connect
from stream.storage.overview import Overview
from stream.storage.stream_times import read_stream_times
from tests.faults.bench import Bench
from tests.faults.event_log import made_log
from tests.faults.invariants import verdict

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", autouse=True)
def _connections_to_dead_nodes() -> Iterator[None]:
    """redis-py may leave the socket to a dying node open; collect it here, so that no later test warns."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Two workers have processed a log on three masters, one of which was killed and came back."""
    directory = tmp_path_factory.mktemp("cluster")
    with (
        EmbeddedBroker(directory / "broker") as broker,
        Bench(directory, broker.bootstrap, made_log(8, customers=40), cluster=True) as bench,
    ):
        bench.wait_for_progress(0.3)
        assert bench.cluster is not None
        bench.cluster.kill_node(1)
        bench.cluster.restart_node(1)
        bench.settle()
        yield bench


def test_a_worker_run_is_exact_on_a_cluster(finished: Bench) -> None:
    assert verdict(finished).violations == []
    finished.check_workers()


def test_all_keys_of_a_partition_are_in_one_slot_and_the_partitions_on_several_nodes(finished: Bench) -> None:
    slots: dict[bytes, set[int]] = defaultdict(set)
    for key in finished.client.scan_iter(f"{finished.keys.namespace}:*", count=1000):
        tag = key.partition(b"{")[2].partition(b"}")[0]
        slots[tag].add(finished.client.keyslot(key))
    assert {b"0", b"1", b"2", b"3", b"models"} <= slots.keys()
    assert all(len(of_tag) == 1 for of_tag in slots.values()), dict(slots)
    nodes = {finished.client.nodes_manager.get_node_from_slot(slot).name for of in slots.values() for slot in of}
    assert len(nodes) > 1


def test_state_on_a_cluster_can_be_read_from_outside(finished: Bench) -> None:
    with Overview(finished.settings) as overview:
        totals = overview.totals()
        assert totals.counters.events_in == finished.log.size
        assert (totals.claimed, totals.outbox, totals.due) == (finished.log.partitions, 0, 0)
        assert overview.trainer().offset >= len(finished.expectation.published["training-examples"])
        assert overview.snapshot() is not None
        assert len(list(overview.documents())) == len(finished.log.truth)


def test_a_worker_on_a_cluster_knows_the_times_of_all_partitions(finished: Bench) -> None:
    async def times() -> Sequence[int]:
        client = connect(finished.settings)
        try:
            return await read_stream_times(client, finished.keys, finished.log.partitions)
        finally:
            await client.aclose()

    with Overview(finished.settings) as overview:
        newest_ms = overview.totals().stream_time_ms
    found = asyncio.run(times())
    assert (len(found), max(found)) == (finished.log.partitions, newest_ms)


def test_a_customer_is_shown_from_a_cluster(finished: Bench) -> None:
    customer = min(finished.log.truth)
    outcome = CliRunner().invoke(main, ["customer", customer, "--json"], env=finished.settings.to_env())
    assert outcome.exit_code == 0, outcome.output
    assert orjson.loads(outcome.stdout)["customer_id"] == customer
