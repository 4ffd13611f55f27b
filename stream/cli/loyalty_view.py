"""Loyalty by the formula and learned loyalty side by side, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.catalogue.wording import number_of
from stream.events.rejections import printable
from stream.reporting.learned_loyalty import Checked, LearnedLoyalty
from stream.reporting.stay_model import MIN_LABELS

__all__ = ["loyalty_view"]


def loyalty_view(found: LearnedLoyalty) -> RenderableType:
    """Customers with both figures, and how good the predictions were."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("customer")
    for column in ("by the formula", "learned: orders that stay", "orders in the last horizon"):
        table.add_column(column, justify="right")
    for one in found.customers:
        table.add_row(printable(one.customer_id), f"{one.formula:.2f}", f"{one.learned:.0%}", f"{one.orders:,}")
    return Group(table, *(Text(line, "bright_black") for line in _notes(found)))


def _notes(found: LearnedLoyalty) -> list[str]:
    checked = found.checked
    if not found.is_learned:
        rate = "a half, for want of any" if found.rate is None else f"the shop's share, {found.rate:.0%}"
        labels = number_of(checked.labels, "label", "labels")
        return [f"not learned yet: {labels}, {MIN_LABELS} are needed; all customers have {rate}"]
    labels = f"learned from what came later after {number_of(checked.labels, 'landmark', 'landmarks')}"
    return [labels, *_check(checked)]


def _check(checked: Checked) -> list[str]:
    """Errors, smaller is better; none before the learned model has been tested."""
    errors = (checked.expected, checked.stayed, checked.learned, checked.rate, checked.formula)
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return ["not tested yet: no landmark of a customer who had said something has matured since"]
    expected, stayed, learned, rate, formula = known
    tested = number_of(checked.tested, "later landmark", "later landmarks")
    return [
        f"tested on {tested} before it learned them: expected {expected:.0%}, stayed {stayed:.0%}",
        f"mean squared error: learned {learned:.4f}, the shop's share alone {rate:.4f}, the formula {formula:.4f}",
    ]
