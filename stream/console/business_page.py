"""How business goes: sales, who comes back, campaigns, what customers say, and what notifying brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import web

from stream.console.directory_reads import asked
from stream.console.group_counts import recent_counts
from stream.console.operations import Operations
from stream.console.recent import Recent
from stream.console.rendering import Renderer
from stream.console.still_reading import StillReading
from stream.directory.calendar import Grain
from stream.directory.campaigns import latest_campaigns
from stream.directory.database import reading
from stream.directory.kpis import cohorts, kpis, loyalty
from stream.directory.mailings import FOLLOWING_DAYS
from stream.directory.purchase_queries import KnownPurchases, known_purchases
from stream.directory.store import DirectoryStore
from stream.errors import SettingsError, StreamError
from stream.features.stages import STAGE_NAMES
from stream.notifications.verdict import verdict
from stream.reporting.cohorts import Cohort
from stream.reporting.feedback_groups import written
from stream.reporting.text_months import newest_month
from stream.reporting.words import Words

__all__ = ["BusinessPage"]

_T = TypeVar("_T")
#: Periods and campaigns that the page shows at most, the latest.
_PERIODS: Final = 24
_CAMPAIGNS: Final = 20
_MAX_AGE: Final = 12
#: A share of returning customers at which a cell of the cohorts has its full colour, of nine.
_FULL_COLOUR: Final = 0.6
_COLOURS: Final = 9


class BusinessPage:
    """The page. ``operations``: what is there beside the directory ``store``, asked in threads.

    ``still_reading``: says so while the directory is behind.
    """

    def __init__(
        self,
        page: Renderer,
        store: DirectoryStore,
        operations: Operations,
        still_reading: StillReading,
        monotonic: Callable[[], float],
    ) -> None:
        self._page = page
        self._store = store
        self._still_reading = still_reading
        # these numbers go through all customers, or all products, or all notifications
        self._counts = recent_counts(store, monotonic)
        self._feedback = Recent(operations.feedback, monotonic)
        self._texts = Recent(operations.texts, monotonic)
        self._effect = Recent(partial(operations.effect, self._purchases_of), monotonic)

    async def close(self) -> None:
        """Wait for what is being made."""
        for one in (self._counts, self._feedback, self._texts, self._effect):
            await one.close()

    async def show(self, request: web.Request) -> web.Response:
        """By month, or with ``by=week`` by week."""
        grain = _grain(request.query.get("by", Grain.MONTH))
        still_reading = await self._still_reading.line(self._page.edition(request))
        periods, loyal, retention, campaigns = await asked(
            self._store,
            lambda connection: (
                kpis(connection, grain),
                loyalty(connection),
                cohorts(connection, grain),
                latest_campaigns(connection, _CAMPAIGNS).campaigns,
            ),
        )
        stages, channels = await self._counts.get()
        _, words, writing, _ = self._page.edition(request)
        said, note = await _or_why_not(self._feedback.get)
        tally, _ = await _or_why_not(self._texts.get)
        report, no_effect = await _or_why_not(self._effect.last)
        begin = writing.month if grain is Grain.MONTH else writing.medium_day
        rows = _rows(retention[-_PERIODS:], begin)
        wrote = None if tally is None else newest_month(tally)
        return self._page(
            "business",
            request,
            periods=[(begin(one.begin), one) for one in reversed(periods[-_PERIODS:])],
            loyal=loyal,
            still_reading=still_reading,
            now=_now({stage: stages[stage] for stage in STAGE_NAMES if stage in stages}, words),
            channels=channels,
            cohorts=rows,
            ages=range(1, 1 + max((len(row["cells"]) for row in rows), default=0)),
            by=grain.value,
            flows=("at_risk", "lost", "won_back"),
            campaigns=campaigns,
            following_days=FOLLOWING_DAYS,
            feedback=[] if said is None else written(said, writing, words),
            note=note,
            wrote=wrote,
            month=None if wrote is None else writing.month(wrote.month),
            effect=None if report is None else verdict(report, writing.about, words),
            no_effect=no_effect,
        )

    def _purchases_of(self, customer_ids: Sequence[str]) -> KnownPurchases:
        with reading(self._store.engine) as connection:
            return known_purchases(connection, customer_ids)


async def _or_why_not(get: Callable[[], Awaitable[_T]]) -> tuple[_T | None, str]:
    """What ``get`` gives; without Redis or Kafka nothing, and why: the rest of the page comes from elsewhere."""
    try:
        return await get(), ""
    except StreamError as error:
        return None, str(error)


def _now(stages: Mapping[str, int], words: Words) -> str:
    """How many customers there are of each stage; empty without any."""
    named = [
        words.gettext("%(count)s %(standing)s", count=words.number(count), standing=words.name(stage.replace("_", " ")))
        for stage, count in stages.items()
    ]
    return words.gettext("Now: %(stages)s.", stages=", ".join(named)) if named else ""


def _rows(retention: Sequence[Cohort], begin: Callable[[date], str]) -> list[dict[str, Any]]:
    return [
        {
            "begin": begin(one.begin),
            "customers": one.customers,
            "cells": [
                {"share": count / one.customers, "depth": _depth(count / one.customers)}
                for count in one.ordered[:_MAX_AGE]
                if one.customers
            ],
        }
        for one in retention
    ]


def _grain(name: str) -> Grain:
    try:
        return Grain(name)
    except ValueError:
        raise SettingsError(f"expected one of {', '.join(Grain)}") from None


def _depth(share: float) -> int:
    return round(min(share / _FULL_COLOUR, 1.0) * _COLOURS)
