"""Rows of the directory for programs: money in major units, instants as RFC 3339."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stream.directory.campaigns import CampaignPage
from stream.directory.customer_queries import CustomerPage
from stream.directory.kpis import Kpis, Loyalty
from stream.directory.mailings import FOLLOWING_DAYS
from stream.directory.timeline_queries import Page
from stream.events.columns import MONEY_SCALE
from stream.events.times import rfc3339
from stream.reporting.cohorts import Cohort

__all__ = ["campaigns_json", "cohorts_json", "customers_json", "kpis_json", "row_object", "timeline_json"]

#: Columns of money; all others that are whole numbers are counts.
_MONEY = ("spend", "value_at_risk", "expected_spend", "lifetime_value", "amount", "refunded", "sold")


def customers_json(page: CustomerPage) -> dict[str, Any]:
    """A page of customers, and where the next begins."""
    return {"customers": [*map(row_object, page.rows)], "cursor": page.cursor}


def timeline_json(page: Page) -> dict[str, Any]:
    """A page of a customer's timeline, and where the next begins."""
    entries = [row_object(entry._asdict()) for entry in page.entries]
    return {"entries": [{**entry, "id": f"{entry['id']:012x}"} for entry in entries], "cursor": page.cursor}


def kpis_json(found: Sequence[Kpis], loyalty: Loyalty, stages: Mapping[str, int], currency: str) -> dict[str, Any]:
    """Figures by period, the earliest first."""
    return {
        "currency": currency or None,
        "buyers": loyalty.buyers,
        "repeat_rate": loyalty.repeat_rate,
        "stages": stages,
        "periods": [
            {
                **row_object(msgspec.structs.asdict(of)),
                "revenue": of.revenue / MONEY_SCALE,
                "returning": of.returning,
                "came_into": of.came_into,
            }
            for of in found
        ],
    }


def campaigns_json(page: CampaignPage, currency: str) -> dict[str, Any]:
    """A page of campaigns, and where the next begins."""
    return {
        "currency": currency or None,
        "following_days": FOLLOWING_DAYS,
        "campaigns": [{**row_object(one._asdict()), "revenue": one.revenue / MONEY_SCALE} for one in page.campaigns],
        "cursor": page.cursor,
    }


def cohorts_json(found: Sequence[Cohort]) -> list[dict[str, Any]]:
    """Cohorts, the earliest first."""
    return [{"begin": one.begin.isoformat(), "customers": one.customers, "ordered": [*one.ordered]} for one in found]


def row_object(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for JSON: money in major units, instants as RFC 3339."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_ms"):
            found[f"{name.removesuffix('_ms')}_at" if name != "at_ms" else "at"] = value and rfc3339(value)
        else:
            found[name] = value / MONEY_SCALE if name in _MONEY and value is not None else value
    return found
