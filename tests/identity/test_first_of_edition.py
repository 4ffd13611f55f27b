"""The first record of an edition is not always that of the departure."""

from stream.identity.departures import ARRIVED_AS
from stream.identity.links import LinkName
from tests.identity.test_histories import COOKIE, TOPICS, JoiningShop, check, view


def test_what_is_sent_again_may_come_before_the_departure_that_another_id_gives() -> None:
    """The ids of a customer are in several partitions of `arrivals`, of which nobody knows which is the first."""
    shop = JoiningShop()
    for number, own_id in enumerate(["c-1", COOKIE, "c-2"]):
        shop.come(own_id, view(number, number))
    shop.link(LinkName.IDENTIFIED, "c-1", COOKIE)
    shop.link(LinkName.MERGE, "c-2", "c-1")
    shop.finish()
    log, begin = shop.topics[TOPICS[0]], shop.read[TOPICS[0]]
    shop.link(LinkName.UNMERGE, "c-2", "c-1")
    sent = log[begin:]
    cookies = [one for one in sent if (ARRIVED_AS, COOKIE.encode()) in one.headers]
    assert cookies
    in_order = [*cookies, *(one for one in sent if one not in cookies)]
    log[begin:] = [one._replace(offset=begin + at) for at, one in enumerate(in_order)]
    while shop.read[TOPICS[0]] < len(log):
        shop.core_step([1, 0, 0])
    shop.finish()
    check(shop, {"c-1": [view(0, 0)], COOKIE: [view(1, 1)], "c-2": [view(2, 2)]})
