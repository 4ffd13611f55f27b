"""What the console shows beside the directory: today's list, and what customers wrote."""

from typing import Final

from stream.cli.shop_day import shop_day
from stream.cli.texts_desk import tally_of, texts_of
from stream.console.labelling import CustomerTexts
from stream.console.pages import Day
from stream.errors import StorageError
from stream.projections.judgements import UNDECIDED
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["customer_texts", "todays_list"]

#: Customers of today's list, and texts of a customer's page.
_LISTED: Final = 50
_TEXTS: Final = 20


def todays_list(settings: Settings) -> Day:
    """Whom to contact today, as `stream today` has it."""
    with shop_day(settings, None) as day:
        found = day.today(_LISTED)
        return Day(found, day.writing, day.note(found))


def customer_texts(settings: Settings, customer_id: str) -> CustomerTexts:
    """What a customer wrote; a note where Redis does not answer, as the rest of the page comes from elsewhere."""
    try:
        with ProjectionDesk(settings) as desk:
            tally, texts = tally_of(desk, None), texts_of(desk, customer_id)
    except StorageError as error:
        return CustomerTexts(note=f"What they wrote cannot be shown now: {error}")
    months = tally.categories.values() if tally else ()
    categories = {name for month in months for name in month} - {UNDECIDED}
    return CustomerTexts(texts[: -_TEXTS - 1 : -1], sorted(categories))
