"""Events that were published straight to the topics of events."""

from stream.identity.links import LinkName
from tests.identity.test_histories import NOW_MS, TOPICS, JoiningShop, check, view
from tests.oracle.record import Record, record_of


def test_what_does_not_come_by_the_stage_counts_for_whom_it_names() -> None:
    """It is of no edition, and would not be sent again."""
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    shop.come("c-2", view(2, 1))
    for name in (LinkName.MERGE, LinkName.UNMERGE):
        shop.link(name, "c-2", "c-1")
        shop.finish()
    later, log = view(3, 2), shop.topics[TOPICS[0]]
    log.append(Record(b"c-1", record_of("c-1", later).value, NOW_MS, len(log)))
    shop.finish()
    check(shop, {"c-1": [view(1, 0), later], "c-2": [view(2, 1)]})


def test_what_names_somebody_who_is_another_one_is_passed_over() -> None:
    """As in projections: see `tests.projections.test_moving`."""
    shop = JoiningShop()
    shop.come("c-1", view(1, 0))
    shop.come("c-2", view(2, 1))
    shop.link(LinkName.MERGE, "c-2", "c-1")
    shop.finish()
    log = shop.topics[TOPICS[0]]
    log.append(Record(b"c-2", record_of("c-2", view(3, 2)).value, NOW_MS, len(log)))
    shop.finish()
    check(shop, {"c-1": [view(1, 0), view(2, 1)]})
    shop.link(LinkName.UNMERGE, "c-2", "c-1")
    shop.finish()
    check(shop, {"c-1": [view(1, 0)], "c-2": [view(2, 1)]})
