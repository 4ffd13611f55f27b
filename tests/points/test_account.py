"""What is remembered of an account: as much as it may, and the newest."""

from stream.points.account import MAX_FACTS, PointEvent, PointOrder, PointsAccount, PointsMove

EXTRA = 3


def full(count: int) -> PointsAccount:
    return PointsAccount(
        orders={f"o{k}": PointOrder(at_ms=k + 1, amount=1) for k in reversed(range(count))},
        movements={f"m{k}": PointsMove(k, 1) for k in reversed(range(count))},
        events={f"e{k}": PointEvent(k, "feedback_reviewed") for k in reversed(range(count))},
    )


def test_as_many_facts_as_may_be_are_kept() -> None:
    held = full(MAX_FACTS)
    held.forget_old()
    assert (len(held.orders), len(held.movements), len(held.events)) == (MAX_FACTS,) * 3


def test_the_oldest_of_each_kind_are_forgotten() -> None:
    held = full(MAX_FACTS + EXTRA)
    held.forget_old()
    newest = range(EXTRA, MAX_FACTS + EXTRA)
    assert {*held.orders} == {f"o{k}" for k in newest}
    assert {*held.movements} == {f"m{k}" for k in newest}
    assert {*held.events} == {f"e{k}" for k in newest}
