"""Customers who are set aside because their stored profile cannot be read.

One damaged profile must neither stop its partition nor cost the customer's events: the customer is noted in the state
of the partition, and their events become dead letters (`quarantined`), as they came, until an operator has decided
(``stream quarantine``). Many damaged profiles at once mean a program that cannot read them: that is raised.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from stream.errors import SystematicError
from stream.events.rejections import MAX_DETAIL_CHARS, Defect, Rejection, printable
from stream.processing.align import Taken

__all__ = ["MAX_AT_ONCE", "MAX_SET_ASIDE", "admit", "set_aside"]

#: Customers set aside between two stored steps, and in a partition altogether: more have a common cause.
MAX_AT_ONCE: Final = 8
MAX_SET_ASIDE: Final = 1000


def admit(found: Mapping[str, str], known: Collection[str], customer: str, why: str) -> dict[str, str]:
    """``found`` since the last stored step, with one more; ``known``: those who were set aside before.

    Raises `SystematicError` when it is one too many.
    """
    if len(found) >= MAX_AT_ONCE or len(found) + len(known) >= MAX_SET_ASIDE:
        raise SystematicError(
            f"many stored profiles cannot be read, so nothing is processed; the last: {why}; `stream doctor --scan` "
            "names them: restore them from a backup, or run the version that wrote them (docs/upgrading.md)"
        )
    return {**found, customer: printable(why[:MAX_DETAIL_CHARS])}


def set_aside(taken: Taken, customers: Mapping[str, str]) -> Taken:
    """``taken`` with the events of ``customers`` among the rejections."""
    if not customers or customers.keys().isdisjoint(taken.row_of):
        return taken
    kept, rejections = [], list(taken.rejections)
    for position, customer in enumerate(taken.customer_ids):
        if customer in customers:
            rejection = Rejection(0, Defect.QUARANTINED, customers[customer])
            rejections.append((int(taken.sources[position]), taken.records[position], rejection))
        else:
            kept.append(position)
    return dataclasses.replace(taken.only(np.array(kept, np.int64)), rejections=rejections)
