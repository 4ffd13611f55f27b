"""What may be offered to customers: the offers file. All mistakes are told at once, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from stream.catalogue.events import CONTACT_CHANNELS
from stream.catalogue.outputs import StageCode
from stream.checked_yaml import Say, converted, named, no_such, read_mapping, read_text
from stream.consent.purposes import Purpose
from stream.errors import SettingsError
from stream.offering.offer_records import Money
from stream.offering.uplift import NOTHING

__all__ = ["MIN_HOLD_OUT", "Audience", "HeldOut", "Offer", "OfferBudget", "OfferKind", "OffersConfig", "load", "parse"]

#: Without customers who get nothing it cannot be known what offers bring.
MIN_HOLD_OUT: Final = 0.01

Days = Annotated[float, Meta(gt=0.0, le=366.0)]


class OfferKind(StrEnum):
    """What an offer is."""

    COUPON = "coupon"
    SAMPLE = "sample"
    CALL = "call"
    MAIL = "mail"


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file. A key that means nothing is an error: it was meant to be another."""


class HeldOut(_Part, frozen=True, kw_only=True):
    """The ``share`` of customers to whom nothing is offered; ``salt`` draws them, and is kept while the effect is
    measured. With the salt of the notification file they are the same customers.
    """

    share: Annotated[float, Meta(ge=MIN_HOLD_OUT, le=0.9)]
    salt: Annotated[str, Meta(min_length=1, max_length=100)]


class OfferBudget(_Part, frozen=True, kw_only=True):
    """At most so much ``money`` in any ``days``."""

    money: Annotated[float, Meta(gt=0.0, le=1e9)]
    days: Days = 30.0


class Audience(_Part, frozen=True, kw_only=True):
    """Who may get an offer: customers of the ``stages``, with at least ``min_orders``."""

    stages: Annotated[Sequence[StageCode], Meta(min_length=1)] = ("due", "at_risk", "lapsed")
    min_orders: Annotated[int, Meta(ge=0, le=1_000_000)] = 1


class Offer(_Part, frozen=True, kw_only=True):
    """``what`` is written to people. ``cost``: each time it is made; ``discount``: if the customer then orders (money).

    ``consent``: the purpose for which the customer must have agreed, by the ``channel``. ``cooling_off_days``: how long
    it is not offered to a customer again.
    """

    kind: OfferKind
    what: Annotated[str, Meta(min_length=1, max_length=100)]
    cost: Money
    discount: Money = 0.0
    channel: str
    who: Audience = Audience()
    cooling_off_days: Days = 60.0
    consent: Purpose | None = Purpose.MARKETING
    budget: OfferBudget | None = None


class OffersConfig(_Part, frozen=True, kw_only=True):
    """The whole file. ``margin``: the share of an order's amount that is profit. ``window_days``: an order within so
    long after a decision counts as its result. ``exploration``: share of decisions that is drawn evenly.
    """

    hold_out: HeldOut
    margin: Annotated[float, Meta(gt=0.0, le=1.0)]
    window_days: Days = 28.0
    exploration: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.05
    offers: Mapping[str, Offer]


def load(path: str | Path) -> OffersConfig:
    """Read the offers file. Raises `SettingsError` that lists all that is wrong with it."""
    return parse(read_text(path, "the offers file"), source=str(path))


def parse(text: str, *, source: str) -> OffersConfig:
    """What ``text`` (YAML) means. Raises `SettingsError`."""
    raw = read_mapping(text, source=source, expected="hold_out, margin and offers")
    problems: list[str] = []
    config = _assemble(raw, problems.append)
    if config is not None:
        problems += _contradictions(config)
    if config is None or problems:
        raise SettingsError("\n".join(f"{source}: {problem}" for problem in problems))
    return config


def _assemble(raw: dict[object, object], say: Say) -> OffersConfig | None:
    offers = named(raw, "offers", Offer, say)
    rest = {name: value for name, value in raw.items() if name != "offers"}
    top: OffersConfig | None = converted({**rest, "offers": {}}, OffersConfig, "", say)
    return None if top is None else msgspec.structs.replace(top, offers=offers)


def _contradictions(config: OffersConfig) -> Iterator[str]:
    for name, offer in config.offers.items():
        if name == NOTHING:
            yield f"offer {name}: the name stands for no offer"
        if offer.channel not in CONTACT_CHANNELS:
            yield f"offer {name}: channel: {no_such('channel', offer.channel, dict.fromkeys(CONTACT_CHANNELS))}"
        if offer.budget is not None and offer.budget.money < offer.cost:
            yield f"offer {name}: budget: {offer.budget.money:g} does not pay for one, which costs {offer.cost:g}"
        if not offer.cost and offer.budget is not None:
            yield f"offer {name}: budget has no effect on an offer without a cost"
