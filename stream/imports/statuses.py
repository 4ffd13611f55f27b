"""What shops say became of an order, as one of five outcomes."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from stream.imports.names import compared

__all__ = ["OrderStatus", "is_refund_row", "outcome_of"]


class OrderStatus(StrEnum):
    """``PLACED``: an order that stands, paid or not yet. ``UNPAID``: one that never became an order, or was a test."""

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
        r"fail|declin|denied|requires payment|requires action|requires confirmation|incomplete|abandon|draft|trash",
    ),
    (
        OrderStatus.UNPAID,
        r"expired|unpaid|not paid|checkout draft|fehlgeschlagen|unbezahlt|abgebrochen|entwurf|echou|non paye",
    ),
    (OrderStatus.UNPAID, r"fallid|no pagado|impagad|non pagat|fallit|mislukt|niet betaald|blocked|uncaptured"),
    (OrderStatus.UNPAID, r"test( order| bestellung)?$|testbestell|testorder|commande test|pedido de prueba"),
    (OrderStatus.CANCELLED, r"cancel|void|storn|annul|geannuleerd|anulad|anulow|avbruten|annuller"),
    (
        OrderStatus.REFUNDED,
        r"refund|returned|return|chargeback|erstatt|retour|ruckerstatt|rembours|reembols|devuelt|rimbors",
    ),
    (OrderStatus.REFUNDED, r"terugbetaald|zwroc|zwrot|aterbetal"),
)
#: Chinese has no blanks between words, so its words are looked for anywhere.
_CHINESE: Final = (
    (OrderStatus.PARTLY_REFUNDED, "部分退"),
    (OrderStatus.UNPAID, "待付款|待支付|未付款|未支付|等待买家付款|支付失败|测试"),
    (OrderStatus.CANCELLED, "取消|交易关闭|作废|交易關閉"),
    (OrderStatus.REFUNDED, "退款|退货|退貨"),
)
#: A refund that was asked for, refused or taken back has paid nothing.
_NO_REFUND: Final = re.compile("退款(中|关闭|失败|待|申请)|未退款|无退款|没有退款|退货(中|申请)")
_OUTCOMES: Final = (
    *((outcome, re.compile(rf"\b({stems})")) for outcome, stems in _STEMS),
    *((outcome, re.compile(words)) for outcome, words in _CHINESE),
)
_REFUND: Final = re.compile(
    r"\b(refund|return|credit|reversal|chargeback|gutschrift|ruckzahl|erstatt|retour|rembours|avoir|reembols|rimbors"
    r"|devol|zwrot)|退款|退货|退貨"
)


@lru_cache(maxsize=4096)
def outcome_of(status: str) -> OrderStatus:
    """Return what `status` means; a status that is in no table stands for an order that was placed.

    >>> [outcome_of(status).name for status in ("paid", "Partially Refunded", "Storniert", "wc-failed", "", "已退款")]
    ['PLACED', 'PARTLY_REFUNDED', 'CANCELLED', 'UNPAID', 'PLACED', 'REFUNDED']
    """
    words = _NO_REFUND.sub("", compared(status))
    return next((outcome for outcome, stem in _OUTCOMES if stem.search(words)), OrderStatus.PLACED)


@lru_cache(maxsize=4096)
def is_refund_row(event: str) -> bool:
    """Whether the kind of a row says that it is money paid back.

    >>> is_refund_row("Refund"), is_refund_row("Payment"), is_refund_row("Gutschrift")
    (True, False, True)
    """
    return bool(_REFUND.search(compared(event)))
