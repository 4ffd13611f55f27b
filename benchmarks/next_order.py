"""The share of next orders that come within the interval given for them: ``python -m benchmarks.next_order [--write]``.

Judges every order of the two bundled logs that is followed by one on another day: the habit after the order gives the
interval, and the next order is within it or not. ``--write`` puts the table between the markers in docs/states.md.
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.alerts import LOGS, ROOT
from benchmarks.pages import write_table
from benchmarks.silences import Shop
from stream.features.habit import EARLY_HABITS, LOST_HABITS, SHOP_GAP_DAYS, habits_after

__all__ = ["Judged", "judge", "order_days", "usual_gap"]

PAGE = ROOT / "docs" / "states.md"
_DAY_MS = 86_400_000
#: Rows of the table: the number of gaps shown by the customer before the order, from and to.
GROUPS = ((0, 0), (1, 1), (2, 9), (10, 10**6))


class Judged(NamedTuple):
    """Of N orders: the customer's number of gaps so far, and whether the next order was early, or late, bool[N]."""

    shown: npt.NDArray[np.int64]
    early: npt.NDArray[np.bool_]
    late: npt.NDArray[np.bool_]

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        return ~(self.early | self.late)


def order_days(shop: Shop) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Customer and time (ms) of the first order of each day, by customer and time."""
    pairs = [
        (number, round(first * _DAY_MS))
        for number, times in enumerate(shop.orders.values())
        for first in {int(at): at for at in reversed(times)}.values()
    ]
    found = np.array(sorted(pairs), np.int64)
    return found[:, 0], found[:, 1]


def usual_gap(customer: npt.NDArray[np.int64], at_ms: npt.NDArray[np.int64]) -> float:
    """The median of customers' own mean gaps (days)."""
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    last = np.append(first[1:], len(customer)) - 1
    regular = last > first
    return float(np.median((at_ms[last] - at_ms[first])[regular] / _DAY_MS / (last - first)[regular]))


def judge(customer: npt.NDArray[np.int64], at_ms: npt.NDArray[np.int64], shop_gap_days: float) -> Judged:
    """Judge every order that is followed by one of the same customer."""
    habit = habits_after(customer, at_ms, shop_gap_days)
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    shown = np.arange(len(customer)) - np.repeat(begins, np.diff(np.append(begins, len(customer))))
    followed = customer[1:] == customer[:-1]
    gap = (np.diff(at_ms) / _DAY_MS)[followed]
    habit, shown = habit[:-1][followed], shown[:-1][followed]
    return Judged(shown, gap < EARLY_HABITS * habit, gap > LOST_HABITS * habit)


def _row(name: str, what: str, judged: Judged) -> str:
    groups = [judged.within[(judged.shown >= low) & (judged.shown <= high)].mean() for low, high in GROUPS]
    figures = [judged.within.mean(), judged.early.mean(), judged.late.mean(), *groups]
    return f"| {name} | {what} | {len(judged.shown):,} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def table() -> str:
    """The table of both logs, as Markdown."""
    lines = [
        "| log | shop's gap | orders | within | earlier | later | after 1 order | after 2 | after 3-10 | after more |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, path in LOGS.items():
        customer, at_ms = order_days(Shop(ROOT / path))
        gap = usual_gap(customer, at_ms)
        lines.append(_row(name, f"{gap:.1f} days", judge(customer, at_ms, gap)))
        lines.append(_row(name, "not known: 30", judge(customer, at_ms, SHOP_GAP_DAYS)))
    return "\n".join(lines)


def main() -> None:
    """Print the table, and with ``--write`` put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = table()
    sys.stdout.write(f"{found}\n")
    if options.write:
        write_table(PAGE, "next order", found)


if __name__ == "__main__":
    main()
