"""Points: facts by their ids, however records are cut into steps, repeated or mixed."""

from random import Random
from zoneinfo import ZoneInfo

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.points.account import PointsAccount
from stream.points.point_records import PointsMovement
from stream.points.points_file import Earning, PointsRules
from stream.points.statement import statement_of
from stream.projections.points import Points
from stream.settings import Settings
from tests.projections.store import Store

BEGIN_S = 1_767_571_200
DAY_S = 86_400
ORDERS, MOVEMENTS, FEEDBACK, INTERACTIONS = range(4)
ANN = "ann"

day = st.integers(0, 60)
orders = st.tuples(st.sampled_from(["completed", "completed", "refunded", "cancelled"]), day, st.integers(1, 90))
movements = st.tuples(st.sampled_from(["spent", "given"]), day, st.integers(1, 90))
others = st.tuples(st.sampled_from(["praised", "liked"]), day, st.integers(1, 3))
Event = tuple[str, int, int]


def store(cache: int = 10) -> Store:
    return Store(Points(Settings(customer_ids="any", currency_rates="EUR=1,USD=0.5")), 0, cache, BEGIN_S * 1000 * 2)


def append(kept: Store, event: Event, who: str = ANN) -> None:
    name, at, number = event
    at_s = BEGIN_S + at * DAY_S
    if name in {"spent", "given"}:
        told = {"movement_id": f"{name}{at}", "customer_id": who, "points": number, "occurred_at": at_s}
        movement = msgspec.convert({**told, "name": name, "occurred_at": float(at_s)}, PointsMovement)
        kept.append(MOVEMENTS, who, msgspec.json.encode(movement))
        return
    if name in {"praised", "liked"}:
        said = {"event_id": f"{name}{number}", "customer_id": who, "occurred_at": at_s, "name": name}
        kept.append(FEEDBACK if name == "praised" else INTERACTIONS, who, orjson.dumps(said))
        return
    # an order of each day; what is told of it again is the same
    body: dict[str, object] = {"event_id": f"{name}{at}", "customer_id": who, "occurred_at": at_s + 3600, "name": name}
    body |= {"order_id": f"o{at % 5}"}
    if name == "completed":
        lines = [{"product_id": "p", "category": "tea", "price": at + 1.0, "quantity": 2}]
        body |= {"amount": 4.0 * (at + 1), "currency": "USD", "items": lines}
    elif name == "refunded" and at % 2:
        body |= {"amount": 1.0, "currency": "USD"}
    kept.append(ORDERS, who, orjson.dumps(body))


def account(kept: Store, who: str = ANN) -> PointsAccount:
    return msgspec.json.decode(kept.stored[who], type=PointsAccount)


@settings(max_examples=40)
@given(st.lists(orders | movements | others, min_size=1, max_size=25), st.integers(0, 2**32))
def test_states_follow_from_the_records_in_any_order_and_any_steps(events: list[Event], seed: int) -> None:
    random = Random(seed)
    whole, parts = store(), store(cache=random.choice([0, 10]))
    mixed = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(mixed)
    for event in events:
        append(whole, event)
    for event in mixed:
        append(parts, event)
    whole.step(100, lost=False)
    while not parts.is_done:
        parts.step(random.randint(1, 4), lost=random.random() < 0.3)
    found, other = account(whole), account(parts)
    assert found.orders == other.orders
    assert found.movements == other.movements
    assert found.events == other.events
    assert len(found.events) == len({(name, number) for name, _, number in events if name in {"praised", "liked"}})


def test_points_are_those_of_the_base_currency_and_of_its_lines() -> None:
    kept = store()
    append(kept, ("completed", 4, 0))
    kept.step(10, lost=False)
    rules = PointsRules(earn=Earning(rate=1, categories={"tea": 3}))
    found = statement_of(account(kept), rules, ZoneInfo("UTC"), (BEGIN_S + 9 * DAY_S) * 1000)
    # 20 dollars are 10 euros, of which tea is a half
    assert (found.balance, found.earned) == (5 + 15, 20)
    append(kept, ("cancelled", 9, 0))
    kept.step(10, lost=False)
    assert statement_of(account(kept), rules, ZoneInfo("UTC"), (BEGIN_S + 9 * DAY_S) * 1000).balance == 0


def test_erasing_a_customer_takes_their_account() -> None:
    assert [*Points(Settings()).erase(ANN)] == [ANN]


def test_what_is_no_movement_is_a_dead_letter() -> None:
    (source,) = [one for one in Points(Settings()).inputs if one.topic == "points"]
    kept = store()
    kept.append(MOVEMENTS, ANN, b'{"movement_id": "m", "customer_id": "ann", "name": "spent", "points": 0}')
    kept.append(MOVEMENTS, ANN, b"no json")
    assert len(source.read(kept.logs[MOVEMENTS]).rejections) == 2


@settings(max_examples=60)
@given(st.lists(st.tuples(orders | movements | others, st.booleans()), min_size=1, max_size=25))
def test_accounts_of_two_ids_add_up_to_that_of_one(events: list[tuple[Event, bool]]) -> None:
    apart, whole = store(), store()
    for event, is_other in events:
        append(apart, event, "bob" if is_other else ANN)
        append(whole, event)
    for kept in (apart, whole):
        kept.step(100, lost=False)
    found = PointsAccount()
    for who in apart.stored:
        found.absorb(account(apart, who))
    assert found == account(whole)
