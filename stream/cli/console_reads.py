"""What the console shows beside the directory: today's list, what customers say, what to offer, and points."""

from collections.abc import Callable
from typing import Final

import msgspec

from stream.cli.points_desk import points_if_any
from stream.cli.shop_day import shop_day
from stream.cli.texts_desk import judged_of, tally_of, texts_of
from stream.clock import SystemClock
from stream.console.labelling import CustomerTexts
from stream.console.offering import Offered
from stream.console.todays_list import Day
from stream.errors import SettingsError, StorageError
from stream.points.statement import PointsStatement
from stream.projections.judgements import UNDECIDED
from stream.projections.satisfaction import Opinion, Satisfaction
from stream.reporting.consent_lines import refusals_of
from stream.reporting.mood_satisfaction import means_then, with_moods
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.person_ids import ids_of_one
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["customer_points", "customer_texts", "todays_list"]

#: Customers of today's list, and texts and recommended items of a customer's page.
_LISTED: Final = 50
_TEXTS: Final = 20
_OFFERED: Final = 5
_SATISFACTION: Final = (Satisfaction.name, Satisfaction.version)


def todays_list(settings: Settings) -> Day:
    """Whom to contact today, as `stream today` has it."""
    with shop_day(settings, None) as day:
        found = day.today(_LISTED)
        return Day(found, day.writing, day.wall_ms)


def customer_texts(settings: Settings, offered: Callable[[str, int], Offered], customer_id: str) -> CustomerTexts:
    """What a customer wrote; a note where Redis does not answer, as the rest of the page comes from elsewhere.

    ``offered``: what to offer to a customer, at most so many items a list.
    """
    try:
        with ProjectionDesk(settings) as desk, ConsentDesk(settings) as consents:
            ids = ids_of_one(desk, customer_id)
            tally, texts = tally_of(desk, None), texts_of(desk, ids)
            told, judged = desk.state(*_SATISFACTION, customer_id, customer_id), judged_of(desk, ids)
            # of all ids, as the page shows what came under each of them
            consented = consents.read([customer_id])
            lists = offered(customer_id, _OFFERED).lists
            points, points_note = _points(settings, desk, customer_id)
    except StorageError as error:
        return CustomerTexts(note=str(error), is_scored=False)
    months = tally.categories.values() if tally else ()
    categories = {name for month in months for name in month} - {UNDECIDED}
    now_ms = SystemClock().now_ms()
    scored = None if told is None else msgspec.json.decode(told, type=Opinion)
    opinion, moods = with_moods(scored, judged)
    is_scored = consented.may_score(customer_id, now_ms)
    return CustomerTexts(
        texts[: -_TEXTS - 1 : -1],
        sorted(categories),
        refusals=refusals_of(consented.of(customer_id), now_ms, consented.default),
        is_scored=is_scored,
        offered=lists if is_scored else None,
        points=points,
        points_note=points_note,
        opinion=opinion if told is not None or moods else None,
        moods=moods,
        means=() if scored is None else means_then(scored, judged),
    )


def customer_points(settings: Settings, customer_id: str) -> PointsStatement | None:
    """The points of a customer, for programs; None if nothing is known of them, or the shop has no points.

    Raises `StorageError` when Redis fails, `SettingsError` for a wrong points file.
    """
    with ProjectionDesk(settings) as desk:
        return points_if_any(settings, desk, customer_id, SystemClock().now_ms())


def _points(settings: Settings, desk: ProjectionDesk, customer_id: str) -> tuple[PointsStatement | None, str]:
    """With why there are none: a wrong file takes nothing else from the page."""
    try:
        return points_if_any(settings, desk, customer_id, SystemClock().now_ms()), ""
    except SettingsError as error:
        return None, str(error)
