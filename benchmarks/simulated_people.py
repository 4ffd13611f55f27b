"""A simulated shop over a bundled log: made-up devices, logins, shared tablets and typing errors.

Customers and events are the log's; the id of each event is drawn at random. A customer has one to three devices. Events
come under the cookie of a device; those of a customer who is logged in carry cookie, customer id and address. Some
devices belong to several customers, such as the tablet of a family or a shop. Some addresses have a typing error, and
of those some are the address of somebody else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.identity.links import Link, LinkName

__all__ = ["Happening", "People", "people_of"]


class Happening(NamedTuple):
    """An event: its person, the id under which it comes, the links that it tells. ``truth``: the persons of its ids."""

    person: str
    own_id: str
    at_ms: int
    links: tuple[Link, ...]
    truth: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """``devices``: the maximum of a customer. Shares: ``login_share`` of events with a login, ``shared_devices`` of
    devices that several people use, ``mistyped`` of addresses with a typing error, ``of_another`` of those that are
    somebody else's address.
    """

    devices: int = 3
    login_share: float = 0.6
    shared_devices: float = 0.02
    mistyped: float = 0.02
    of_another: float = 0.1
    seed: int = 0


def people_of(log: Sequence[tuple[str, int]], people: People) -> Iterator[Happening]:
    """``log``: customer and time (ms) of each event, in order."""
    rng = random.Random(people.seed)
    customers = sorted({customer for customer, _ in log})
    tablets = [f"anonymous_id:{_token(f'tablet-{number}')}" for number in range(max(len(customers) // 50, 1))]
    devices: dict[str, list[str]] = {}
    for number, customer in enumerate(customers):
        own = [f"anonymous_id:{_token(f'{number}-{device}')}" for device in range(rng.randint(1, people.devices))]
        devices[customer] = [rng.choice(tablets) if rng.random() < people.shared_devices else device for device in own]
    for number, (customer, at_ms) in enumerate(log):
        cookie = rng.choice(devices[customer])
        if rng.random() >= people.login_share:
            yield Happening(customer, cookie, at_ms, (), ((cookie, customer),))
            continue
        address = owner = customer
        if rng.random() < people.mistyped:
            owner = rng.choice(customers) if rng.random() < people.of_another else customer
            address = f"{customer}-{number}" if owner == customer else owner
        ids = (cookie, f"email:{_token(address)}")
        links = tuple(Link(LinkName.IDENTIFIED, customer, one, at_ms, f"e-{number}") for one in ids)
        truth = ((customer, customer), (ids[0], customer), (ids[1], owner))
        yield Happening(customer, customer, at_ms, links, truth)


def _token(text: str) -> str:
    """A text in the form of a token, readable."""
    kept = "".join(char for char in text if char.isalnum() or char == "-")[:22]
    return f"h1_{kept:_<22}"
