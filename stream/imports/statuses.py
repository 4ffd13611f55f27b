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
    (OrderStatus.PARTLY_REFUNDED, r"partial refund|teilerstatt|parcialmente (reembols|devol)|parzialmente rimbors"),
    (OrderStatus.PARTLY_REFUNDED, r"gedeeltelijk terugbetaald|delvist? (refunder|aterbetal|tilba)|castecne vracen"),
    (
        OrderStatus.PARTLY_REFUNDED,
        r"czesciowo zwroc|osittain (palautet|hyvitet)|частичн\w* возвра|kismi iade|partial return",
    ),
    (
        OrderStatus.UNPAID,
        r"fail|declin|denied|requires payment|requires action|requires confirmation|incomplete|abandon|draft|trash",
    ),
    (
        OrderStatus.UNPAID,
        r"expired|unpaid|not paid|checkout draft|fehlgeschlagen|unbezahlt|abgebrochen|entwurf|echou|echec|non paye",
    ),
    (OrderStatus.UNPAID, r"fallid|no pagado|impagad|non pagat|fallit|mislukt|niet betaald|blocked|uncaptured"),
    (OrderStatus.UNPAID, r"nezaplacen|obetal|ubetal|ikke betal|maksamat|nincs fizetve|odenmedi|nieoplacon|nao pago"),
    (OrderStatus.UNPAID, r"не оплачен|неоплачен|neplatit|brouillon|borrador|bozza|concept\b"),
    (OrderStatus.UNPAID, r"test( order| bestellung)?$|testbestell|testorder|commande test|pedido de prueba"),
    (OrderStatus.CANCELLED, r"cancel|void|storn|annul|geannuleerd|anulad|anulow|anulat|avbruten|annuller"),
    (OrderStatus.CANCELLED, r"avbestall|makuler|peruut|peruttu|zrusen|torol|sztorno|iptal|kanseller|отмен|скасован"),
    (
        OrderStatus.REFUNDED,
        r"refund|returned|return|chargeback|erstatt|retour|ruckerstatt|rembours|reembols|devuelt|rimbors",
    ),
    (OrderStatus.REFUNDED, r"terugbetaald|zwroc|zwrot|aterbetal|devol|reso\b|restituit|palautet|hyvitet|vracen"),
    (OrderStatus.REFUNDED, r"visszaterit|visszakuld|zuruckge|iade|tilba[gk]ebetal|rambursat|возвра|повернен"),
)
#: Chinese, Japanese and Korean have no blanks between words, so their words are looked for anywhere.
_CHINESE: Final = (
    (OrderStatus.PARTLY_REFUNDED, "部分退|一部返金|부분환불|부분 환불"),
    (OrderStatus.UNPAID, "待付款|待支付|未付款|未支付|等待买家付款|支付失败|测试|未払|未入金|미결제|미입금|결제실패"),
    (OrderStatus.CANCELLED, "取消|キャンセル|취소|交易关闭|作废|交易關閉"),
    (OrderStatus.REFUNDED, "退款|退货|退貨|返金|返品|환불|반품"),
)
#: A refund that was asked for, refused or taken back has paid nothing; what was not cancelled stands.
_NO_REFUND: Final = re.compile(
    r"\b(not|no|non|never|nicht|kein\w*|ohne|pas|sans|sin|senza|geen|niet)( yet)?"
    r" (refund|return|cancel|storn|erstatt|retour|rembours|reembols|rimbors|annul|devol)\w*"
    r"|\b(refund|return|cancel|chargeback)\w* (request|pending|fail|declin|deni|reject|refus|in progress|won)\w*"
    "|退款(中|关闭|失败|待|申请)|未退款|无退款|没有退款|退货(中|申请)"
)
_OUTCOMES: Final = (
    *((outcome, re.compile(rf"\b({stems})")) for outcome, stems in _STEMS),
    *((outcome, re.compile(words)) for outcome, words in _CHINESE),
)
_REFUND: Final = re.compile(
    r"\b(refund|return|credit|reversal|chargeback|gutschrift|ruckzahl|ruckbuch|rucklast"
    r"|storn|nota de credito|nota di credito|creditnota|erstatt|retour|rembours|avoir|reembols|rimbors"
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
