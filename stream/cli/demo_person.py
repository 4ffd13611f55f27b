"""One person's path, which a demo makes up because the bundled log has one id for each customer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

import orjson
from rich.console import Console

from stream.catalogue.wording import number_of
from stream.cli.identity_lookup import id_of
from stream.cli.kafka import silent
from stream.client import ClickEvent, EmailEvent, Identifiers, Producer, PurchaseEvent
from stream.errors import LocalServerError
from stream.events.model import Event
from stream.events.times import epoch_ms
from stream.features.registry import DAY_MS, HOUR_MS
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.overview import Overview

__all__ = ["PERSON", "IdSeen", "PathStep", "events_until", "person_path", "print_path"]

#: The customer number of the person.
PERSON: Final = "made-up-ann"
_ADDRESS: Final = "ann@example.com"
_COOKIE: Final = "cookie-of-ann"
_VIEWS: Final[tuple[Literal["product_viewed", "product_added", "cart_viewed"], ...]] = (
    "product_viewed",
    "product_added",
    "cart_viewed",
)
_IDENTIFIERS: Final = (("anonymous_id", _COOKIE), ("email", _ADDRESS))
_MINUTE_MS: Final = 60_000
_AMOUNT: Final = 49.9
#: Seconds that a step may take until it is to be seen in Redis; it takes one or two.
_PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.1


class IdSeen(NamedTuple):
    """Whose an id is, and how many events and orders that customer has; ``asked``: the id."""

    asked: str
    customer: str
    events: int
    orders: int


class PathStep(NamedTuple):
    """``at_ms``: event time. ``seen``: what Redis says afterwards."""

    at_ms: int
    what: str
    seen: IdSeen


def events_until(end_ms: int, currency: str) -> tuple[list[Event], list[Event], list[Event]]:
    """Anonymous clicks; then a login and an order; then a mail that was opened: three days up to ``end_ms``.

    The clicks name a cookie only, and the mail an address only, as mail providers do.
    """
    began_ms = end_ms - 3 * DAY_MS
    cookie = Identifiers(anonymous_id=_COOKIE)
    clicks: list[Event] = [
        ClickEvent(
            event_id=f"{PERSON}-click-{number}",
            customer_id="",
            occurred_at=(began_ms + number * _MINUTE_MS) / 1000,
            name=name,
            channel="web",
            product_id="espresso-cups",
            identifiers=cookie,
        )
        for number, name in enumerate(_VIEWS)
    ]
    bought_ms = began_ms + DAY_MS
    login = ClickEvent(
        event_id=f"{PERSON}-login",
        customer_id=PERSON,
        occurred_at=bought_ms / 1000,
        name="checkout_started",
        channel="web",
        identifiers=cookie,
    )
    order = PurchaseEvent(
        event_id=f"{PERSON}-order",
        customer_id=PERSON,
        occurred_at=(bought_ms + 5 * _MINUTE_MS) / 1000,
        name="completed",
        channel="web",
        order_id=f"{PERSON}-1",
        amount=_AMOUNT,
        currency=currency,
        identifiers=Identifiers(email=_ADDRESS),
    )
    mail = EmailEvent(
        event_id=f"{PERSON}-mail",
        customer_id="",
        occurred_at=(bought_ms + 20 * HOUR_MS) / 1000,
        name="opened",
        campaign_id="thank-you",
        identifiers=Identifiers(email=_ADDRESS),
    )
    return clicks, [login, order], [mail]


def person_path(
    settings: Settings, overview: Overview, end_ms: int, writing: Writing, check: Callable[[], None]
) -> Iterator[PathStep]:
    """Publish the events of the person as a shop would, and yield each step once Redis shows what came of it.

    ``check`` is called meanwhile. Raises `LocalServerError` when that does not come in time.
    """
    cookie, address = (id_of(settings, f"{kind}:{text}") for kind, text in _IDENTIFIERS)
    clicks, bought, mailed = events_until(end_ms, writing.currency)
    with Producer(settings, logger=silent) as producer:

        def told(events: list[Event], asked: str, expected: IdSeen) -> IdSeen:
            for event in events:
                producer.publish(event)
            producer.flush()
            return _wait_for(overview, asked, expected, check)

        yield PathStep(
            _at_ms(clicks[0]),
            "looks at a product and puts it into the cart, in a browser that nobody knows",
            told(clicks, cookie, IdSeen(cookie, cookie, 3, 0)),
        )
        amount = writing.money(_AMOUNT)
        yield PathStep(
            _at_ms(bought[0]),
            f"logs in in that browser, and orders for {amount} with an e-mail address",
            told(bought, cookie, IdSeen(cookie, PERSON, 5, 1)),
        )
        yield PathStep(
            _at_ms(mailed[0]),
            "opens a mail, of which the provider knows the address alone",
            told(mailed, address, IdSeen(address, PERSON, 6, 1)),
        )


def print_path(console: Console, steps: Iterator[PathStep], writing: Writing) -> None:
    """The path, step by step, as it comes."""
    console.print()
    console.print("One person's path (made up for the demo: in the log everybody has one id)", style="bold")
    for step in steps:
        events = number_of(step.seen.events, "event", "events")
        orders = f" and {number_of(step.seen.orders, 'order', 'orders')}" if step.seen.orders else ""
        kind, customer = step.seen.asked.partition(":")[0].removesuffix("_id"), step.seen.customer
        whose = "a customer of its own" if customer == step.seen.asked else f"customer {customer}"
        console.print(f"{writing.moment(step.at_ms)}: {step.what}", soft_wrap=True)
        console.print(f"    the {kind} id is {whose}: {events}{orders}", soft_wrap=True)
    console.print(
        f"All of it counts for one customer: stream customer {PERSON}; stream identity show {PERSON}", soft_wrap=True
    )


def _at_ms(event: Event) -> int:
    return epoch_ms(event.occurred_at)


def _wait_for(overview: Overview, asked: str, expected: IdSeen, check: Callable[[], None]) -> IdSeen:
    until = time.monotonic() + _PATIENCE_S
    while (seen := _counted(overview, asked)) != expected:
        check()
        if time.monotonic() > until:
            raise LocalServerError(f"the path of {PERSON} is not to be seen: expected {expected}; got {seen}")
        time.sleep(_LOOK_S)
    return seen


def _counted(overview: Overview, asked: str) -> IdSeen:
    customer, found = overview.found_as(asked)
    if found is None:
        return IdSeen(asked, customer, 0, 0)
    document = orjson.loads(found[1])
    return IdSeen(asked, customer, document["events"], document["orders"])
