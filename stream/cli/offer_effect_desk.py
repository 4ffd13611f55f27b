"""What offers brought, by the sums of the projection `offers`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stream.cli.offers_desk import linked_in_offers, over, weeks_until
from stream.cli.shop_day import now_of
from stream.clock import SystemClock
from stream.leads.lead_contacts import week_of
from stream.projections.offers import Offers
from stream.reporting.offer_effect import OfferEffect, offer_effects
from stream.reporting.offers_of_persons import corrections
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["effects_of_offers"]

#: The window where there is no offers file any more.
_WINDOW_DAYS = 28.0


def effects_of_offers(settings: Settings, writing: Writing, since_ms: int) -> list[OfferEffect]:
    """The effect of each offer over the weeks from ``since_ms`` on whose windows are over; empty without decisions.

    A person counts once, whatever ids they have.
    """
    with ProjectionDesk(settings) as desk:
        progress = desk.progress(Offers.name, Offers.version)
        if not progress.folded:
            return []
        newest_ms = max(state.stream_time_ms or 0 for state in progress.states.values())
        now_ms = now_of(newest_ms, SystemClock().now_ms())
        found = [*weeks_until(desk, now_ms), *corrections(linked_in_offers(desk).persons.values())]
    weeks = [week for week in found if (week.week or 0) >= week_of(since_ms)]
    days, named = _file(settings)
    return offer_effects(over(weeks, days, now_ms), days, writing.money, named)


def _file(settings: Settings) -> tuple[float, Mapping[str, str]]:
    """The window, and what people call each offer."""
    if not Path(settings.offers_file).is_file():
        return _WINDOW_DAYS, {}
    from stream.offering.offers_file import load

    config = load(settings.offers_file)
    return config.window_days, {name: offer.what for name, offer in config.offers.items()}
