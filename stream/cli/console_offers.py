"""What the console shows of offers: the file, whom they would reach, what was spent, and what they bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from stream.cli.data_files import contacts_of
from stream.cli.offer_effect_desk import effects_of_offers
from stream.cli.offers_desk import linked_in_offers, offers_now, spent_of, weeks_until
from stream.cli.shop_day import ShopDay, shop_day
from stream.console.offer_pages import OfferedNow, OfferFigures, OffersShown
from stream.errors import NoEventsError, SettingsError
from stream.imports.contacts import Contact
from stream.offering.offer_plan import Planned, spent_lately
from stream.offering.offers_file import OffersConfig, load, parse
from stream.offering.uplift import NOTHING
from stream.projections.leads import customer_in
from stream.projections.offers import Offers, OfferState
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["ShopOffers"]

#: Customers that the page shows.
_SHOWN: Final = 20

_decode: Final = msgspec.json.Decoder(OfferState).decode


class ShopOffers:
    """See `stream.console.offer_pages.OfferDesk`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def shown(self) -> OffersShown:
        source = self._settings.offers_file
        if not Path(source).is_file():
            return OffersShown(source)
        try:
            config = load(source)
        except SettingsError as error:
            return OffersShown(source, problems=str(error).splitlines())
        try:
            with shop_day(self._settings, None) as day:
                return _shown(day, source, config)
        except NoEventsError:
            return OffersShown(source, config, figures={name: OfferFigures() for name in config.offers})

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        return contacts_of(self._settings, customer_ids)

    def problems_of(self, text: str) -> Sequence[str]:
        try:
            parse(text, source="line")
        except SettingsError as error:
            return [line.removeprefix("line: ") for line in str(error).splitlines()]
        return ()


def _shown(day: ShopDay, source: str, config: OffersConfig) -> OffersShown:
    now_ms = day.basis.now_ms
    planned = offers_now(day, config)
    with ProjectionDesk(day.settings) as desk:
        spent = spent_of(weeks_until(desk, now_ms))
        running = _running(desk, now_ms)
    effects = {one.offer: one for one in effects_of_offers(day.settings, day.writing, 0)}
    drawn = Counter(one.decision.drawn for one in planned)
    held_out = Counter(one.decision.drawn for one in planned if one.decision.held_out)
    figures = {
        name: OfferFigures(
            spent_lately(offer, spent.get(name, {}), now_ms),
            running[name],
            drawn[name],
            held_out[name],
            effects.get(name),
        )
        for name, offer in config.offers.items()
    }
    made = [one for one in planned if one.decision.offer is not None]
    return OffersShown(source, config, (), figures, _first(made), len(planned), len(planned) - len(made))


def _first(made: Sequence[Planned]) -> list[OfferedNow]:
    best = sorted(made, key=lambda one: (-one.decision.expected_gain, one.decision.customer_id))[:_SHOWN]
    return [
        OfferedNow(one.customer_id, one.offer or "", one.cost, one.expected_gain, one.why)
        for one in (planned.decision for planned in best)
    ]


def _running(desk: ProjectionDesk, now_ms: int) -> Mapping[str, int]:
    """Persons by the offer that they got, and whose window is not over."""
    owners = linked_in_offers(desk).owners
    found: dict[str, set[str]] = {}
    for key, state in desk.keyed_states(Offers.name, Offers.version):
        if (one := customer_in(key)) is not None:
            for made in _decode(state).decisions.values():
                if made.offer != NOTHING and made.until_ms > now_ms:
                    found.setdefault(made.offer, set()).add(owners.get(one, one))
    return Counter({offer: len(persons) for offer, persons in found.items()})
