"""Pages to read, print and keep: one HTML file each that asks nothing of any network. Needs the extra ``report``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from jinja2 import PackageLoader
from msgspec import Struct

from stream.catalogue.wording import number_of
from stream.reporting.charts import customers_chart, life_chart, revenue_chart
from stream.reporting.cohorts import MAX_AGE, Cohort
from stream.reporting.entries import Today
from stream.reporting.feedback_groups import FeedbackCounts, written
from stream.reporting.life import Life
from stream.reporting.page_environment import page_environment
from stream.reporting.periods import Sales
from stream.reporting.summary import complaints_line, headline, leads_line, model_note, standing_line
from stream.reporting.themes import Theme, Themes
from stream.reporting.track_record import TrackRecord
from stream.reporting.words import ENGLISH
from stream.reporting.writing import Writing

__all__ = ["ShopReport", "person_page", "report_page", "today_page"]

#: A share of returning customers at which a cell of the cohorts has its full colour.
_FULL_COLOUR: Final = 0.6


class ShopReport(Struct, frozen=True):
    """Everything that a report shows. ``life``: one for each period of ``sales``, at its end.

    ``themes``: None if no text of a customer is kept. ``feedback``: empty if nobody said anything.
    """

    today: Today
    sales: Sales
    cohorts: Sequence[Cohort]
    life: Sequence[Life]
    track_record: TrackRecord
    themes: Themes | None = None
    feedback: FeedbackCounts = FeedbackCounts(())


#: Names and values of one thing that is kept of a person.
Facts = Sequence[tuple[str, str]]


def person_page(
    made_at: str, ids: Sequence[str], stores: Mapping[str, Sequence[Facts]], topics: Mapping[str, Sequence[Facts]]
) -> str:
    """Everything about a person, to be read by them. ``stores`` and ``topics``: what each thing there says."""
    return _render("person.html.j2", {"made_at": made_at, "ids": ids, "stores": stores, "topics": topics})


def today_page(found: Today, writing: Writing, note: str) -> str:
    """The list alone."""
    return _render("today.html.j2", _of_today(found, writing, note))


def report_page(report: ShopReport, writing: Writing, note: str) -> str:
    """The whole report."""
    sales = report.sales
    charts = {
        "revenue_chart": revenue_chart(sales, writing),
        "customers_chart": customers_chart(sales, writing),
        "life_chart": life_chart(report.life, sales, writing),
    }
    return _render(
        "report.html.j2",
        {
            **_of_today(report.today, writing, note),
            **charts,
            "sales": sales,
            "cohorts": _cohort_rows(report.cohorts, sales, writing),
            "ages": range(1, min(MAX_AGE, max((len(c.ordered) for c in report.cohorts), default=0)) + 1),
            "life": report.life[-1],
            "track_record": report.track_record.sentence,
            "themes": None if report.themes is None else _themes(report.themes, writing),
            "feedback": written(report.feedback, writing),
            "max_segment_spend": max((segment.spend for segment in report.today.segments), default=0.0),
        },
    )


def _of_today(found: Today, writing: Writing, note: str) -> dict[str, Any]:
    return {
        "found": found,
        "speech": ENGLISH,
        "writing": writing,
        "notes": [line for line in (note, model_note(found)) if line],
        "standing_line": standing_line(found, writing),
        "headline": headline(found, writing),
        "complaints_line": complaints_line(found),
        "leads_line": leads_line(found),
    }


def _themes(themes: Themes, writing: Writing) -> dict[str, Any]:
    """Rows of moods, categories and words: what, how many customers now, their share now and before, examples."""

    def share(count: int, of: int) -> str:
        return writing.percent(count / of) if of else "-"

    def row(theme: Theme) -> dict[str, Any]:
        now, before = share(theme.now, themes.customers), share(theme.before, themes.customers_before)
        return {"name": theme.name, "now": now, "before": before, "examples": theme.examples}

    return {
        "week": writing.long_date(writing.midnight_ms(date.fromisoformat(themes.week))),
        "wrote": number_of(themes.customers, "customer wrote", "customers wrote"),
        "groups": [
            (title, [*map(row, found)])
            for title, found in (("Mood", themes.moods), ("Category", themes.categories), ("Words", themes.words))
            if found
        ],
    }


def _cohort_rows(cohorts: Sequence[Cohort], sales: Sales, writing: Writing) -> list[dict[str, Any]]:
    """A row for each cohort: its month, its size, and shares with the depth of their colour (0 to 1)."""
    if sales.weekly:
        return []
    rows = []
    for cohort in cohorts:
        shares = [count / cohort.customers for count in cohort.ordered]
        cells = [{"share": writing.percent(share), "depth": min(share / _FULL_COLOUR, 1.0)} for share in shares]
        rows.append(
            {"month": writing.month(cohort.begin), "customers": writing.number(cohort.customers), "cells": cells}
        )
    return rows


def _render(template: str, values: dict[str, Any]) -> str:
    return page_environment(PackageLoader("stream.reporting")).get_template(template).render(values)
