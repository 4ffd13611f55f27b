"""How good the chances of leads are: ``python -m benchmarks.leads [--write]``.

The bundled logs have hardly any leads: their customers are known by an order. So shops are simulated. Leads come evenly
over 18 months. Each has an interest, gamma distributed, that halves in 8 weeks; visits, carts and the first order come
at rates in proportion to it. Two leads in three get a mail every two weeks, and open it more often with more interest.
The chances are compared on the same labels with: the share of orders so far; logistic regression on the same signs,
fitted without a prior to all labels, those of the future included; and the true chance given the interest, which no
model can surpass. ``--write`` puts the table between the markers in docs/learning.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it ships no types
from sklearn.metrics import log_loss, roc_auc_score  # type: ignore[import-untyped]  # it ships no types

from benchmarks.alerts import ROOT
from benchmarks.pages import write_table
from stream.catalogue.events import EventKind, EventType
from stream.leads.lead_cohorts import Cells, count
from stream.leads.lead_contacts import WEEK_MS, LeadHistory, begin_of, contact_of, meet, order, week_of
from stream.leads.lead_record import learned
from stream.leads.signs import landmarks_of

__all__ = ["HORIZON_WEEKS", "NOW_WEEK", "Shop", "cohorts", "references", "simulated", "table"]

PAGE = ROOT / "docs" / "learning.md"

WEEKS, HORIZON_WEEKS = 78, 8
_START_MS = begin_of(2_900)
_HALVED_MS = 8 * WEEK_MS
NOW_WEEK = week_of(_START_MS) + WEEKS
#: Share of visits with something in the cart, and of opened mails in which a link is clicked.
_IN_CART, _CLICKS = 0.15, 0.3
_NEVER = 1e-9
#: Leads, and orders for a visit.
SHOPS = ((100, 0.05), (300, 0.05), (1000, 0.05), (5000, 0.05), (5000, 0.01), (5000, 0.2))

Floats = npt.NDArray[np.float64]


class Shop(NamedTuple):
    """Leads: the interest of each (visits a week) and the time (ms) at which it had that value."""

    leads: list[LeadHistory]
    interest: list[float]
    began_ms: list[float]
    orders_a_visit: float


def simulated(leads: int, orders_a_visit: float, seed: int) -> Shop:
    """A shop in which each visit brings ``orders_a_visit`` orders on average."""
    random = np.random.default_rng(seed)
    shop = Shop([], [], [], orders_a_visit)
    for number in range(leads):
        began_ms = _START_MS + random.uniform(0, WEEKS) * WEEK_MS
        interest = random.gamma(0.7, 1.5)
        lead = LeadHistory(f"lead-{number}")
        for at_ms, kind, event_type in _contacts(random, began_ms, interest):
            if at_ms < _START_MS + WEEKS * WEEK_MS:
                meet(lead, week_of(at_ms), contact_of(event_type, kind, at_ms))
        ordered_ms = _until(random, began_ms, interest * orders_a_visit)
        if ordered_ms < _START_MS + WEEKS * WEEK_MS:
            order(lead, week_of(round(ordered_ms)))
        shop.leads.append(lead)
        shop.interest.append(interest)
        shop.began_ms.append(began_ms)
    return shop


def _contacts(
    random: np.random.Generator, began_ms: float, interest: float
) -> Iterator[tuple[int, EventKind, EventType]]:
    yield round(began_ms), EventKind.PAGE_VIEWED, EventType.CLICK
    at_ms = began_ms
    while math.isfinite(at_ms := _until(random, at_ms, interest * 0.5 ** ((at_ms - began_ms) / _HALVED_MS))):
        in_cart = random.random() < _IN_CART
        yield round(at_ms), EventKind.PRODUCT_ADDED if in_cart else EventKind.PAGE_VIEWED, EventType.CLICK
    if random.random() < 2 / 3:
        for week in range(1, 27, 2):
            at_ms = began_ms + week * WEEK_MS
            yield round(at_ms), EventKind.EMAIL_SENT, EventType.EMAIL
            left = interest * 0.5 ** ((at_ms - began_ms) / _HALVED_MS)
            if random.random() < 0.1 + 0.5 * left / (1 + left):
                yield round(at_ms), EventKind.EMAIL_OPENED, EventType.EMAIL
                if random.random() < _CLICKS:
                    yield round(at_ms), EventKind.EMAIL_CLICKED, EventType.EMAIL


def _until(random: np.random.Generator, at_ms: float, per_week: float) -> float:
    """Time (ms) of the next event at a rate that halves every `_HALVED_MS`; infinity if none comes."""
    tau = _HALVED_MS / math.log(2) / WEEK_MS
    left = 1.0 - random.exponential() / (per_week * tau) if per_week > _NEVER else 0.0
    return at_ms - tau * WEEK_MS * math.log(left) if left > 0.0 else math.inf


def references(shop: Shop) -> tuple[tuple[float, float], tuple[float, float]]:
    """AUC and log loss of all labels that have matured: fitted afterwards, and by the interest."""
    rows, truth, y = [], [], []
    tau = _HALVED_MS / math.log(2) / WEEK_MS
    for lead, interest, began_ms in zip(shop.leads, shop.interest, shop.began_ms, strict=True):
        for week, landmark in landmarks_of(lead).items():
            if week + HORIZON_WEEKS <= NOW_WEEK:
                left = interest * 0.5 ** ((begin_of(week) - began_ms) / _HALVED_MS)
                expected = shop.orders_a_visit * left * tau * (1 - 0.5 ** (HORIZON_WEEKS * WEEK_MS / _HALVED_MS))
                truth.append(1 - math.exp(-expected))
                rows.append([level == int(of) for of in landmark.cell for level in range(7)])
                y.append(landmark.wait is not None and landmark.wait < HORIZON_WEEKS)
    fitted = LogisticRegression(C=1e4, max_iter=2000).fit(rows, y).predict_proba(rows)[:, 1]
    known = np.clip(truth, 1e-9, 1 - 1e-9)
    return (roc_auc_score(y, fitted), log_loss(y, fitted)), (roc_auc_score(y, known), log_loss(y, known))


def cohorts(leads: list[LeadHistory]) -> dict[int, Cells]:
    """Counts by week."""
    weeks: dict[int, Cells] = {}
    for lead in leads:
        for week, landmark in landmarks_of(lead).items():
            count(weeks.setdefault(week, {}), landmark, 1)
    return weeks


def table() -> str:
    """One row for each shop."""
    lines = [
        "| leads | rate | labels | ordered | AUC | fitted | ideal | log loss | share | fitted | ideal | ECE |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for leads, orders_a_visit in SHOPS:
        shop = simulated(leads, orders_a_visit, seed=leads)
        r = learned(cohorts(shop.leads), NOW_WEEK, HORIZON_WEEKS).record
        fitted, known = references(shop)
        lines.append(
            f"| {leads:,} | {orders_a_visit} | {r.leads:,} | {r.orders:,} | {r.auc:.3f} | {fitted[0]:.3f}"
            f" | {known[0]:.3f} | {r.log_loss:.4f} | {r.base_rate_log_loss:.4f} | {fitted[1]:.4f} | {known[1]:.4f}"
            f" | {r.ece:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, and with ``--write`` put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = table()
    sys.stdout.write(f"{found}\n")
    if options.write:
        write_table(PAGE, "leads", found)


if __name__ == "__main__":
    main()
