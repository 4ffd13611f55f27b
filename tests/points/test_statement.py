"""Laws of points: what is earned, spent and lost adds up, whatever comes and in whatever order."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream.events.columns import MONEY_SCALE
from stream.points.account import PointEvent, PointOrder, PointsAccount, PointsMove
from stream.points.points_file import BonusDays, Earning, EventEarning, PointsRules, PointsTier
from stream.points.statement import PointsStatement, earned_by, statement_of

DAY_MS = 86_400_000
BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEGIN_MS = int(BEGIN.timestamp() * 1000)
ZONE = ZoneInfo("Europe/Berlin")
RULES = PointsRules(expire_days=30, tiers=(PointsTier(name="gold", points=100),), tier_days=60)

days = st.integers(0, 120)
facts = st.lists(st.tuples(days, st.integers(-60, 60).filter(bool)), max_size=25)
rules = st.sampled_from([RULES, PointsRules(), PointsRules(expire_months=1), PointsRules(expire_days=1)])


def at(day: float) -> int:
    return BEGIN_MS + round(day * DAY_MS)


def account(moves: list[tuple[int, int]]) -> PointsAccount:
    return PointsAccount(
        movements={f"m{number}": PointsMove(at(day), points) for number, (day, points) in enumerate(moves)}
    )


def order(day: float, money: float, **more: int) -> PointOrder:
    return PointOrder(at_ms=at(day), amount=round(money * MONEY_SCALE), lines=more)


def statement(of: PointsAccount, day: float = 1000, by: PointsRules = RULES) -> PointsStatement:
    return statement_of(of, by, ZONE, at(day))


@given(facts, days, rules)
def test_the_balance_is_what_was_earned_less_what_was_spent_and_lost(
    moves: list[tuple[int, int]], day: int, by: PointsRules
) -> None:
    found = statement(account(moves), day, by)
    assert found.balance == found.earned - found.spent - found.expired
    assert min(found.balance, found.spent, found.expired, found.owed, found.expiring) >= 0
    assert found.earned == sum(points for when, points in moves if when <= day and points > 0)
    assert found.spent + found.owed == -sum(points for when, points in moves if when <= day and points < 0)
    assert not (found.owed and found.balance)


@given(facts, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_is_no_matter(moves: list[tuple[int, int]], random: Random) -> None:
    told = account(moves)
    others = [*told.movements.items()]
    random.shuffle(others)
    assert statement(PointsAccount(movements=dict(others)), 60) == statement(told, 60)


@given(facts, days, st.integers(1, 60), days)
def test_an_order_that_was_returned_is_as_if_it_had_never_come(
    moves: list[tuple[int, int]], day: int, money: int, as_of: int
) -> None:
    without, returned = account(moves), account(moves)
    for number, refunds in enumerate(({"r": money * MONEY_SCALE}, {"r": -1})):
        returned.orders[f"o{number}"] = PointOrder(at(day), money * MONEY_SCALE, refunds=refunds)
    returned.orders["o2"] = PointOrder(at(day), money * MONEY_SCALE, is_cancelled=True)
    assert statement(returned, as_of) == statement(without, as_of)


@given(facts, rules)
def test_time_alone_only_loses_points(moves: list[tuple[int, int]], by: PointsRules) -> None:
    last = max((day for day, _ in moves), default=0)
    before, after = (statement(account(moves), day, by) for day in (last, last + 10))
    assert (before.earned, before.spent, before.owed) == (after.earned, after.spent, after.owed)
    assert before.balance - after.balance == after.expired - before.expired >= 0


@given(facts, st.integers(0, 30))
def test_points_are_lost_when_it_was_said(moves: list[tuple[int, int]], day: int) -> None:
    found = statement(account(moves), day)
    if found.expires_ms is None:
        assert found.balance == 0
        return
    until = [move for move in moves if move[0] <= day]
    instant = (found.expires_ms - BEGIN_MS) / DAY_MS
    just_before, then = (statement(account(until), instant + offset / DAY_MS) for offset in (-1, 0))
    assert just_before.balance == found.balance
    assert then.balance == found.balance - found.expiring
    assert found.expiring > 0


def test_what_is_earned_first_is_spent_first_and_what_is_lost_is_the_rest() -> None:
    found = statement(account([(0, 10), (5, 20), (10, -15)]), 20)
    assert (found.balance, found.expires_ms, found.expiring) == (15, at(35), 15)
    assert statement(account([(0, 10), (5, 20), (10, -15)]), 35).expired == 15
    # a lost point pays nothing
    late = statement(account([(0, 10), (31, -4)]), 31)
    assert (late.balance, late.spent, late.expired, late.owed) == (0, 0, 10, 4)


def test_the_next_points_pay_what_was_spent_beyond_the_balance() -> None:
    of = PointsAccount({"o": order(0, 50)}, {"m": PointsMove(at(1), -40)})
    assert statement(of, 2).balance == 10
    of.orders["o"].is_cancelled = True
    assert (statement(of, 2).balance, statement(of, 2).owed) == (0, 40)
    of.orders["p"] = order(3, 45.5)
    found = statement(of, 4)
    assert (found.balance, found.owed, found.spent, found.earned) == (5, 0, 40, 45)


def test_categories_bonus_days_and_orders_earn_as_the_rules_say() -> None:
    earn = Earning(rate=1, categories={"coffee": 2.5, "cards": 0}, per_order=10)
    friday = BonusDays(factor=2, weekdays=("friday",), until=date(2026, 1, 31))
    by = PointsRules(earn=earn, bonus_days=(friday, BonusDays(factor=3, since=date(2026, 1, 9))))
    scale = MONEY_SCALE
    # 2026-01-01 is a Thursday
    assert earned_by(order(0, 30, coffee=10 * scale, cards=5 * scale), by, ZONE) == 25 + 0 + 15 + 10
    assert earned_by(order(1, 30), by, ZONE) == 2 * (30 + 10)
    assert earned_by(order(8, 30), by, ZONE) == 3 * (30 + 10)
    # lines of 40 for which 20 was paid, and half of it was refunded
    half = order(0, 20, coffee=20 * scale, other=20 * scale)
    half.refunds["r"] = 10 * scale
    assert earned_by(half, by, ZONE) == 10 * (2.5 + 1) / 2 // 1 + 10
    assert earned_by(PointOrder(), by, ZONE) == 0


@given(st.lists(st.integers(0, 120 * 24), max_size=40, unique=True), st.integers(1, 4), st.integers(1, 20))
def test_events_earn_at_most_so_often_in_any_days(hours: list[int], times: int, days_: int) -> None:
    by = PointsRules(earn=Earning(events={"feedback_reviewed": EventEarning(points=7, times=times, days=days_)}))
    of = PointsAccount()
    for number, hour in enumerate(hours):
        of.happen(f"e{number}", PointEvent(at(hour / 24), "feedback_reviewed"))
        of.happen(f"l{number}", PointEvent(at(hour / 24), "interaction_liked"))
    earned = [statement(of, hour / 24, by).earned for hour in range(0, 121 * 24, 24)]
    assert all(later - before <= 7 * times for before, later in zip(earned, earned[days_:], strict=False))
    found = statement(of, 121, by)
    assert found.earned % 7 == 0
    assert bool(found.earned) == bool(hours)
    if times * days_ >= len(hours) and times >= len(hours):
        assert found.earned == 7 * len(hours)


def test_points_for_events_are_lost_and_spent_as_others() -> None:
    by = PointsRules(earn=Earning(events={"interaction_referred": EventEarning(points=50)}), expire_days=30)
    of = PointsAccount(events={"r": PointEvent(at(1), "interaction_referred")})
    # a repeat with a later time is the same event
    of.happen("r", PointEvent(at(9), "interaction_referred"))
    of.movements["m"] = PointsMove(at(2), -20)
    found = statement(of, 3, by)
    assert (found.balance, found.earned, found.spent, found.expires_ms) == (30, 50, 20, at(31))
    assert statement(of, 31, by).expired == 30


def test_months_later_is_the_same_day_or_the_last_of_the_month() -> None:
    by = PointsRules(expire_months=1)
    end_of_january = datetime(2026, 1, 31, 9, tzinfo=ZONE)
    of = PointsAccount(movements={"m": PointsMove(round(end_of_january.timestamp() * 1000), 5)})
    found = statement_of(of, by, ZONE, at(31))
    assert found.expires_ms is not None
    lost = datetime.fromtimestamp(found.expires_ms / 1000, ZONE)
    assert (lost.month, lost.day, lost.hour) == (2, 28, 9)
    assert lost - end_of_january < timedelta(days=29)


def test_each_point_is_lost_at_its_time_also_when_later_ones_are_lost_before() -> None:
    by = PointsRules(expire_months=1)
    moments = [datetime(2026, 1, day, hour, tzinfo=ZONE) for day, hour in ((30, 15), (31, 9))]
    of = PointsAccount(movements={f"m{k}": PointsMove(round(at.timestamp() * 1000), 5) for k, at in enumerate(moments)})
    noon, evening = (round(datetime(2026, 2, 28, hour, tzinfo=ZONE).timestamp() * 1000) for hour in (12, 18))
    found = statement_of(of, by, ZONE, noon)
    assert (found.balance, found.expired, found.expiring) == (5, 5, 5)
    assert found.expires_ms == round(datetime(2026, 2, 28, 15, tzinfo=ZONE).timestamp() * 1000)
    assert statement_of(of, by, ZONE, evening).expired == 10


def test_a_tier_follows_from_what_was_earned_lately_also_when_it_was_spent() -> None:
    of = account([(0, 90), (10, 20), (11, -110)])
    assert (statement(of, 9).tier, statement(of, 9).next_tier) == (None, RULES.tiers[0])
    assert statement(of, 12).tier == RULES.tiers[0]
    assert statement(of, 60).tier is None


@given(facts)
def test_an_account_is_stored_as_json(moves: list[tuple[int, int]]) -> None:
    told = account(moves)
    told.orders["o"] = order(1, 5, tea=3)
    told.events["e"] = PointEvent(at(2), "feedback_rated")
    assert msgspec.json.decode(msgspec.json.encode(told), type=PointsAccount) == told
