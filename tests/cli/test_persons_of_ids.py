"""An id that belongs to a customer: commands and pages go by the account and the consent of that customer."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import redis

from stream.cli.consent_asked import refusing_to_be_scored
from stream.cli.console_reads import customer_texts
from stream.cli.live_recommendations import LiveRecommendations
from stream.cli.recommendations_desk import recommendations_for
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.console.offering import Offered
from stream.events.partitioner import partition_of
from stream.identity.links import Node, Pair
from stream.identity.records import KEY
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.notifications.read_to_end import read_to_end
from stream.points.account import PointsAccount, PointsMove
from stream.privacy.person_keys import PersonKeys
from stream.processing.state import Counters, PartitionState
from stream.projections.consents import Consents
from stream.projections.identity import Identity
from stream.projections.points import Points
from stream.projections.recommendations import Recommendations, RecommendationState, shopper_key
from stream.projections.satisfaction import Opinion, Said, Satisfaction
from stream.recommending.own_items import OwnItem, Shopper
from stream.settings import Settings
from stream.storage.keys import ProjectionKeys
from stream.storage.person_ids import customers_of
from stream.storage.projection_desk import ProjectionDesk
from tests.agents.topics import create
from tests.cli.projecting import run

ALIAS, OWNER = "anonymous_id:h1_" + 22 * "a", "c-1"
HOUR = 480_000


@pytest.fixture
def settings(redis_server: EmbeddedRedis, namespace: str) -> Settings:
    return Settings(redis_url=redis_server.url, namespace=namespace, partitions=2)


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis_url) as opened:
        keys = ProjectionKeys(settings.namespace, Identity.name, Identity.version, 0)
        opened.set(keys.customer(partition_of(KEY, 2), ALIAS), msgspec.json.encode(Node(canonical=OWNER)))
        for one, other in ((ALIAS, OWNER), (OWNER, ALIAS)):
            node = Node(canonical=OWNER, pairs={other: Pair(seen_ms=1)})
            opened.set(keys.customer(partition_of(KEY, 2), one), msgspec.json.encode(node))
        yield opened


def put(
    client: redis.Redis,
    settings: Settings,
    of: type[Points | Recommendations | Consents | Satisfaction],
    key: str,
    state: object,
    whose: str = OWNER,
) -> None:
    """Store a state of the owner, as the projection does."""
    keys = ProjectionKeys(settings.namespace, of.name, of.version, 0)
    client.set(keys.customer(partition_of(whose, 2), key), msgspec.json.encode(state))


def said_at(at_ms: int, *, withdrawn: bool) -> Agreements:
    said = Agreements()
    said.add(Purpose.PROFILING, None, Statement(at_ms, withdrawn, "", "asked"))
    return said


def test_points_are_spent_and_given_from_the_account_that_is_shown(
    client: redis.Redis, settings: Settings, broker: EmbeddedBroker, topic_prefix: str
) -> None:
    settings = replace(settings, kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix)
    create(broker.bootstrap, settings.topics.items())
    put(client, settings, Points, OWNER, PointsAccount(movements={"m": PointsMove(time.time_ns() // 1_000_000, 30)}))
    rules = ("--points-file", "examples/points.yaml")
    status, said = run(settings, "points", "spend", ALIAS, "31", *rules)
    assert status != 0, said
    for command in ("spend", "give"):
        status, said = run(settings, "points", command, ALIAS, "5", *rules)
        assert status == 0, said
    assert [record.key for record in read_to_end(settings, settings.points)] == [OWNER.encode()] * 2
    # whoever has an account of their own keeps it
    assert run(settings, "points", "give", "c-2", "5", *rules)[0] == 0
    assert sorted(record.key or b"" for record in read_to_end(settings, settings.points)) == [b"c-1", b"c-1", b"c-2"]


def test_who_is_under_a_key_is_shown_and_erased_by_the_id(
    client: redis.Redis, settings: Settings, tmp_path: Path
) -> None:
    settings = replace(
        settings, privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite", privacy_master_key="11" * 32, data_dir=str(tmp_path)
    )
    opened = PersonKeys.of(settings)
    assert opened is not None
    with closing(opened):
        ann = opened.persons(["ann"])["ann"]
    assert ann is not None
    keys = ProjectionKeys(settings.namespace, Points.name, Points.version, 0)
    partition = partition_of(ann.customer_id, 2)
    account = PointsAccount(movements={"m": PointsMove(1, 30)})
    client.set(keys.customer(partition, ann.customer_id), msgspec.json.encode(account))
    status, said = run(settings, "projections", "show", Points.name, "ann")
    assert (status, msgspec.json.decode(said, type=PointsAccount)) == (0, account)
    # nobody runs who could erase
    assert run(settings, "projections", "erase", Points.name, "ann", "--timeout-s", "0")[0] == 1
    assert client.smembers(keys.released(partition)) == {ann.customer_id.encode()}


@pytest.mark.parametrize("teller", [OWNER, ALIAS])
@pytest.mark.parametrize("refuses", [False, True])
def test_who_agrees_to_no_scores_is_scored_and_offered_nothing_under_any_id(
    client: redis.Redis, settings: Settings, refuses: bool, teller: str
) -> None:
    own = Shopper(items={"tea": OwnItem(HOUR, HOUR)})
    put(client, settings, Recommendations, shopper_key(OWNER), RecommendationState(shopper=own))
    # the newest that was said under any id holds
    put(client, settings, Consents, teller, said_at(2, withdrawn=refuses), whose=teller)
    other = OWNER if teller == ALIAS else ALIAS
    put(client, settings, Consents, other, said_at(1, withdrawn=not refuses), whose=other)
    for of in (Recommendations, Consents):
        keys = ProjectionKeys(settings.namespace, of.name, of.version, 0)
        state = PartitionState(stream_time_ms=HOUR * 3_600_000, counters=Counters(applied=1))
        client.hset(keys.meta(0), "state", msgspec.json.encode(state))
    for one in (ALIAS, OWNER):
        with closing(LiveRecommendations(settings)) as live:
            lists, is_withheld = live.lists(one, 3)
            page = customer_texts(settings, live.lists, one)
        assert lists is not None
        assert (is_withheld, bool(lists.again)) == (refuses, not refuses)
        assert (page.is_scored, page.offered is None) == (not refuses, refuses)
        assert [purpose for purpose, _ in page.refusals] == [Purpose.PROFILING] * refuses
        assert refusing_to_be_scored(settings, [one, "c-2"]) == ({one} if refuses else set())


def test_recommendations_go_by_what_was_bought_under_all_ids(client: redis.Redis, settings: Settings) -> None:
    """Also by complaints, and whichever id is asked for; the ids taken apart have their own again."""
    bought = {OWNER: Shopper(items={"tea": OwnItem(HOUR - 48, HOUR)}), ALIAS: Shopper(refused=["cups"])}
    bought[ALIAS].items.update(
        {"tea": OwnItem(HOUR - 200, HOUR - 100), "cups": OwnItem(HOUR, HOUR), "jam": OwnItem(1, 2)}
    )
    for one, shopper in bought.items():
        put(client, settings, Recommendations, shopper_key(one), RecommendationState(shopper=shopper), whose=one)
    keys = ProjectionKeys(settings.namespace, Recommendations.name, Recommendations.version, 0)
    state = PartitionState(stream_time_ms=HOUR * 3_600_000, counters=Counters(applied=1))
    client.hset(keys.meta(0), "state", msgspec.json.encode(state))

    def again() -> dict[str, set[str]]:
        with closing(LiveRecommendations(settings)) as live, ProjectionDesk(settings) as desk:
            found = {one: live.lists(one, 5).lists for one in bought}
            for one, lists in found.items():
                assert recommendations_for(desk, settings, one, HOUR * 3_600_000, 5) == lists
        return {one: {item.item for item in lists.again} for one, lists in found.items() if lists is not None}

    assert again() == {OWNER: {"tea", "jam"}, ALIAS: {"tea", "jam"}}
    nodes = ProjectionKeys(settings.namespace, Identity.name, Identity.version, 0)
    for one in bought:
        client.delete(nodes.customer(partition_of(KEY, 2), one))
    assert again() == {OWNER: {"tea"}, ALIAS: {"tea", "jam"}}


def test_the_page_has_what_a_customer_said_as_the_command_has_it(client: redis.Redis, settings: Settings) -> None:
    assert customer_texts(settings, lambda *_: Offered(None), OWNER).opinion is None
    opinion = Opinion(loyalty=0.53, scores=1, said=[Said(1, 2, "rated", "nps", 8.0, 0.8, "score", 0.53)])
    opinion.add(0.8, 2)
    put(client, settings, Satisfaction, OWNER, opinion)
    page = customer_texts(settings, lambda *_: Offered(None), OWNER)
    assert (page.opinion, page.moods) == (opinion, 0)


def test_ids_that_belong_to_others_are_found_once_somebody_has_looked_for_them(
    client: redis.Redis, settings: Settings
) -> None:
    with ProjectionDesk(settings) as desk:
        assert customers_of(desk, [ALIAS, OWNER]) == {}
        keys = ProjectionKeys(settings.namespace, Identity.name, Identity.version, 0)
        client.hset(keys.meta(0), "state", msgspec.json.encode(PartitionState(counters=Counters(applied=1))))
        assert customers_of(desk, [ALIAS, OWNER, "c-9"]) == {ALIAS: OWNER}
        assert customers_of(desk, []) == {}
