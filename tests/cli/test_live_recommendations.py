"""What a process that is asked all the time tells of recommendations: own items at once, counts of all now and then."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest
import redis

from stream.cli.known_rows import KnownRows
from stream.cli.live_recommendations import LiveRecommendations
from stream.cli.recommendations_desk import ListsRecord, ShopRecord, record_of_shop
from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.identity.links import Node
from stream.identity.records import KEY
from stream.local.redis import EmbeddedRedis
from stream.processing.state import Counters, PartitionState
from stream.projections.identity import Identity
from stream.projections.recommendations import (
    HEAD,
    Recommendations,
    RecommendationState,
    item_key,
    shard_key,
    shopper_key,
)
from stream.recommending.fading import ONE, FadingCounts
from stream.recommending.follower_rows import FollowerRows
from stream.recommending.item_index import ItemIndex
from stream.recommending.item_shards import ItemShard, shard_of
from stream.recommending.list_ranker import RankerRecord
from stream.recommending.own_items import KnownOrder, OwnItem, Shopper
from stream.recommending.shop_tables import ShopHead
from stream.settings import Settings
from stream.storage.keys import ProjectionKeys
from stream.storage.projection_desk import ProjectionDesk

HOUR = int(time.time()) // 3600


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path, appendonly=False) as running:
        yield running


def put(server: EmbeddedRedis, **states: RecommendationState) -> None:
    keys = ProjectionKeys("stream", Recommendations.name, Recommendations.version, 0)
    state = PartitionState(stream_time_ms=HOUR * 3_600_000, counters=Counters(applied=1))
    with redis.Redis.from_url(server.url) as client:
        client.hset(keys.meta(0), "state", msgspec.json.encode(state))
        for key, of in states.items():
            client.set(keys.customer(0, key), msgspec.json.encode(of))


def owning(*items: str) -> RecommendationState:
    return RecommendationState(
        shopper=Shopper(items={item: OwnItem(HOUR, HOUR) for item in items}, orders=[KnownOrder(1, HOUR, [*items])])
    )


def selling(*items: str) -> dict[str, RecommendationState]:
    counts = dict.fromkeys(items, ONE)
    shards = {
        shard_key(shard_of(item)): RecommendationState(
            number=shard_of(item), shard=ItemShard(FadingCounts(HOUR, 0, {item: ONE}))
        )
        for item in items
    }
    return {HEAD: RecommendationState(head=ShopHead(3, FadingCounts(HOUR, 0, counts))), **shards}


def test_own_items_count_at_once_and_those_of_all_after_a_minute(server: EmbeddedRedis) -> None:
    now_s = 100.0
    settings = Settings(redis_url=server.url, partitions=1, customer_ids="any")
    put(server, **selling("tea", "honey"), **{shopper_key("ann"): owning("tea")})
    assert item_key("tea") == "item/tea"
    with closing(LiveRecommendations(settings, lambda: now_s)) as live:
        lists, _ = live.lists("ann", 5)
        assert lists is not None
        assert ([one.item for one in lists.again], [one.item for one in lists.also]) == (["tea"], ["honey"])
        put(server, **selling("tea", "honey", "milk"), **{shopper_key("ann"): owning("tea", "honey")})
        lists, _ = live.lists("ann", 5)
        assert lists is not None
        assert ({one.item for one in lists.again}, lists.also) == ({"tea", "honey"}, ())
        now_s += 61.0
        # the first question asks for new counts, and does not wait for them
        also: tuple[str, ...] = ()
        deadline_s = time.monotonic() + 30.0
        while "milk" not in also and time.monotonic() < deadline_s:
            lists, _ = live.lists("ann", 5)
            assert lists is not None
            also = tuple(one.item for one in lists.also)
        assert also == ("milk",)
        assert live.lists("nobody", 5).lists is None


def test_the_record_of_a_shop_is_that_of_all_partitions(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=2, customer_ids="any")
    keys = ProjectionKeys("stream", Recommendations.name, Recommendations.version, 0)
    with redis.Redis.from_url(server.url) as client:
        for partition, lists in enumerate((3, 1)):
            head = ShopHead(1)
            head.repeat.record = RankerRecord(lists, 1, 0.5 * lists)
            state = msgspec.json.encode(RecommendationState(head=head))
            client.set(keys.customer(partition, HEAD), state)
    with ProjectionDesk(settings) as desk:
        found = record_of_shop(desk, settings)
    assert found == ShopRecord(ListsRecord(4, 0.5, 0.5), ListsRecord(0, None, None))


def test_a_redis_that_went_and_came_back_is_asked_again(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=1, customer_ids="any")
    put(server, **selling("tea"), **{shopper_key("ann"): owning("tea")})
    with closing(LiveRecommendations(settings)) as live:
        assert live.lists("ann", 5).lists is not None
        server.stop()
        server.start()
        put(server, **selling("tea"), **{shopper_key("ann"): owning("tea")})
        assert live.lists("ann", 5).lists is not None


def reads_of(server: EmbeddedRedis, ask: Callable[[], object]) -> int:
    """How often the server read from its connections while it was asked."""
    with redis.Redis.from_url(server.url) as client:
        before = client.info("stats")["total_reads_processed"]
        ask()
        # one of them is the next question for the number
        return int(client.info("stats")["total_reads_processed"] - before) - 1


def test_an_answer_takes_one_round_trip_and_some_more_for_an_id_of_another_customer(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=4, customer_ids="any")
    put(server, **selling("tea", "honey"))
    nodes = ProjectionKeys("stream", Identity.name, Identity.version, 0)
    ann, ann_at = shopper_key("ann"), partition_of("ann", 4)
    shop = ProjectionKeys("stream", Recommendations.name, Recommendations.version, 0)
    with redis.Redis.from_url(server.url) as client:
        client.set(shop.customer(ann_at, ann), msgspec.json.encode(owning("tea")))
        client.set(nodes.customer(partition_of(KEY, 4), "cookie"), msgspec.json.encode(Node(canonical="ann")))
    with closing(LiveRecommendations(settings)) as live:
        assert live.lists("ann", 5).lists is not None
        assert live.lists("cookie", 5) == live.lists("ann", 5)
        counted = [reads_of(server, partial(live.lists, one, 5)) for one in ("ann", "cookie", "nobody")]
    # of the cookie also: the two steps of the links to all ids, what was bought and what was agreed to under them
    assert counted == [1, 5, 1]


def prepared() -> None:
    """Wait for what reads counts beside."""
    for thread in threading.enumerate():
        if thread.name == "items":
            thread.join()


def test_counts_are_read_before_the_first_customer_asks(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=1, customer_ids="any")
    put(server, **selling("tea", "honey"), **{shopper_key("ann"): owning("tea")})
    with closing(LiveRecommendations(settings).prepared()) as live:
        prepared()
        # what is stored of the customer, and what goes with their items
        assert reads_of(server, partial(live.lists, "ann", 5)) == 2
        assert live.lists("ann", 5).lists is not None


def test_a_redis_that_is_not_there_at_first_is_asked_again(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=1, customer_ids="any")
    server.stop()
    with closing(LiveRecommendations(settings).prepared()) as live:
        prepared()
        with pytest.raises(StorageError):
            live.lists("ann", 5)
        server.start()
        put(server, **selling("tea"), **{shopper_key("ann"): owning("tea")})
        assert live.lists("ann", 5).lists is not None


def test_what_goes_with_an_item_is_read_when_it_is_asked_for_and_again_after_ten_minutes(
    server: EmbeddedRedis,
) -> None:
    now_s = 100.0
    index = ItemIndex.of([ItemShard(FadingCounts(HOUR, 0, dict.fromkeys(("tea", "honey"), ONE)))])
    counted = FollowerRows(5, {})
    for _ in range(4):
        counted.follow(["tea"], ["honey"], HOUR, lambda _: True)
    ((_, row),) = counted.changed()
    known = KnownRows(lambda: now_s)
    with ProjectionDesk(Settings(redis_url=server.url, partitions=1)) as desk:
        assert known.of(desk, ["tea"]) == {"tea": None}
        put(server, **{item_key("tea"): RecommendationState(item="tea", row=row)})
        assert reads_of(server, partial(known.of, desk, ["tea"])) == 0
        assert known.of(desk, ["tea"]) == {"tea": None}
        now_s += 601.0
        assert reads_of(server, partial(known.of, desk, ["tea"])) == 1
        read = known.of(desk, ["tea"])["tea"]
    assert read is not None
    followers = read.at(index)
    assert followers is not None
    assert [index.names[place] for place in followers.ids.tolist()] == ["honey"]
    assert (followers.customers * read.unit(HOUR)).tolist() == [4.0]


def test_states_of_a_projection_that_is_built_again_are_those_of_the_new_generation(server: EmbeddedRedis) -> None:
    settings = Settings(redis_url=server.url, partitions=1)
    of = (Recommendations.name, Recommendations.version)
    with redis.Redis.from_url(server.url) as client, ProjectionDesk(settings) as desk:
        for generation in (0, 1):
            client.set(ProjectionKeys("stream", *of, generation).customer(0, "a"), f"of {generation}")
        assert desk.states_at(*of, ["a", "b"], "a") == [b"of 0", None]
        assert desk.rebuild(*of) == 1
        assert desk.states_at(*of, ["a", "b"], "a") == [b"of 1", None]
        assert desk.shared(*of, "a") == [b"of 1"]
