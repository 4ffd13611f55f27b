"""What shops say became of an order, as one of five outcomes."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from stream.imports.names import compared

__all__ = ["OrderStatus", "is_refund_row", "outcome_of"]


class OrderStatus(StrEnum):
    """``PLACED``: an order that stands, paid or not yet. ``UNPAID``: one that never became an order."""

    PLACED = "placed"
    PARTLY_REFUNDED = "partly refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    UNPAID = "unpaid"


# Stems, looked for at the start of words, in this order: "partially refunded" is found before "refunded".
_STEMS: Final = (
    (OrderStatus.PARTLY_REFUNDED, r"part\w* (refund|erstatt|rembours|reembols|rimbors|terugbetaald)|teilweise erstatt"),
    (OrderStatus.PARTLY_REFUNDED, r"partial refund|teilerstatt"),
    (
        OrderStatus.UNPAID,
        r"fail|declin|requires payment|requires action|requires confirmation|incomplete|abandon|draft|trash",
    ),
    (
        OrderStatus.UNPAID,
        r"expired|unpaid|not paid|checkout draft|fehlgeschlagen|unbezahlt|abgebrochen|entwurf|echou|non paye",
    ),
    (OrderStatus.UNPAID, r"fallid|no pagado|impagad|non pagat|fallit|mislukt|niet betaald|blocked|uncaptured"),
    (OrderStatus.CANCELLED, r"cancel|void|storn|annul|geannuleerd|anulad|anulow|avbruten|annuller"),
    (
        OrderStatus.REFUNDED,
        r"refund|returned|return|chargeback|erstatt|retour|ruckerstatt|rembours|reembols|devuelt|rimbors",
    ),
    (OrderStatus.REFUNDED, r"terugbetaald|zwroc|zwrot|aterbetal"),
)
_OUTCOMES = tuple((outcome, re.compile(rf"\b({stems})")) for outcome, stems in _STEMS)
_REFUND = re.compile(r"\b(refund|return|credit|gutschrift|erstatt|retour|rembours|avoir|reembols|rimbors|devol|zwrot)")


@lru_cache(maxsize=4096)
def outcome_of(status: str) -> OrderStatus:
    """Return what `status` means; a status that is in no table stands for an order that was placed.

    >>> [outcome_of(status).name for status in ("paid", "Partially Refunded", "Storniert", "wc-failed", "")]
    ['PLACED', 'PARTLY_REFUNDED', 'CANCELLED', 'UNPAID', 'PLACED']
    """
    words = compared(status)
    return next((outcome for outcome, stem in _OUTCOMES if stem.search(words)), OrderStatus.PLACED)


@lru_cache(maxsize=4096)
def is_refund_row(event: str) -> bool:
    """Whether the kind of a row says that it is money paid back.

    >>> is_refund_row("Refund"), is_refund_row("Payment"), is_refund_row("Gutschrift")
    (True, False, True)
    """
    return bool(_REFUND.search(compared(event)))
