"""The layout of the directory's answers, for any texts and figures."""

import csv
import io
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType

from stream.cli.directory_view import customers_view, kpis_csv, timeline_view
from stream.directory.customer_queries import CustomerPage
from stream.directory.kpis import Kpis
from stream.directory.timeline import TimelineEntry
from stream.directory.timeline_queries import Page
from stream.events.columns import MONEY_SCALE
from stream.reporting.writing import Writing

WRITING = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
#: A tag that closes nothing, and one that would colour the rest of the output.
ODD = "[/web]\x1b[31m"


def shown(view: RenderableType) -> str:
    text = io.StringIO()
    Console(file=text, width=200, force_terminal=True, highlight=False).print(view)
    return text.getvalue()


def test_texts_of_others_are_shown_as_they_are() -> None:
    entry = TimelineEntry("c-1", "click", 1, 0, "page_viewed", ODD, detail={"note": ODD})
    figures = dict.fromkeys(("last_order_ms", "risk", "value_at_risk"))
    row: dict[str, Any] = {
        "customer_id": ODD,
        "stage": "at_risk",
        "tier": ODD,
        "segment": ODD,
        "orders": 0,
        "spend": 0,
        **figures,
    }
    for view, times in (
        (timeline_view(Page([entry], None), WRITING), 2),
        (customers_view(CustomerPage([row], None), WRITING), 3),
    ):
        text = shown(view)
        assert text.count("[/web]?[31m") == times
        assert "\x1b[31m" not in text


def test_a_month_of_refunds_has_a_negative_number_in_a_spreadsheet() -> None:
    month = Kpis(begin=date(2026, 1, 1), sold=2 * MONEY_SCALE, refunded=5 * MONEY_SCALE)
    (row,) = csv.DictReader(io.StringIO("".join(kpis_csv([month], WRITING))))
    assert (row["revenue"], row["refunded"]) == ("-3.00", "5.00")
