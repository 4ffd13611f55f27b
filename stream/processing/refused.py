"""Why the profile of a customer does not take an event: the dead letter's reason, and what to do."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from stream.events.columns import MONEY_SCALE
from stream.events.rejections import Defect, Rejection
from stream.features.apply import MAX_MONEY, TOO_LATE, TOO_MUCH, UNKNOWN_ORDER

__all__ = ["refused"]


def _too_late(customer: str) -> Rejection:
    return Rejection(0, Defect.TOO_LATE, f"older than what can be checked for duplicates for customer {customer}")


def _unknown_order(customer: str) -> Rejection:
    detail = (
        "a refund without an amount needs its order, told in the last 90 days; "
        f"send the amount, or this again after the order; customer {customer}"
    )
    return Rejection(0, Defect.UNKNOWN_ORDER, detail)


def _too_much(customer: str) -> Rejection:
    most = MAX_MONEY / MONEY_SCALE
    return Rejection(0, Defect.BAD_AMOUNT, f"more than {most:.0e} in all for customer {customer}: not one person?")


_REFUSALS: Final = MappingProxyType[int, Callable[[str], Rejection]](
    {int(TOO_LATE): _too_late, int(UNKNOWN_ORDER): _unknown_order, int(TOO_MUCH): _too_much}
)


def refused(status: int, customer: str) -> Rejection:
    """The rejection of an event of ``customer`` for a ``status`` of `stream.features.apply` that is a refusal."""
    return _REFUSALS[status](repr(customer[:64]))
