"""The sentences of reasons. How to speak of a feature is declared beside it, in `stream.catalogue.features`."""

from stream.catalogue.declaring import Money, Values
from stream.catalogue.wording import plain_money
from stream.features.registry import COLUMN, FEATURES

__all__ = ["FROM_WHAT", "HOW_SURE", "change_sentence", "risk_sentence", "sentence"]

#: What a risk comes from, and how sure it is; see `stream.catalogue.outputs`.
FROM_WHAT = {
    "orders": "It comes from the times of orders alone; no outcome of earlier customers is known yet.",
    "both": "It comes from the times of orders and from what became of earlier customers.",
    "outcomes": "It comes from what became of earlier customers.",
}
HOW_SURE = {
    "low": "A first estimate, mostly by what is usual in other shops.",
    "medium": "A fair estimate.",
    "high": "A sure estimate.",
}


def sentence(feature: str, values: Values, *, is_high: bool, money: Money = plain_money) -> str:
    """Return the sentence for `feature`, whose input `is_high` or low; ``money`` writes amounts.

    >>> values = {"days_since_purchase": 34.2, "habit_days": 9.1, "purchases_total": 12}
    >>> sentence("days_since_purchase", values, is_high=True)
    'No order for 34 days; usually every 9.'
    >>> sentence("purchases_total", {"purchases_total": 40}, is_high=True)
    '40 orders so far.'
    """
    wording = FEATURES[COLUMN[feature]].wording
    value = values.get(feature)
    if value is None:
        return wording.missing
    return wording.high(value, values, money) if is_high else wording.low(value, values, money)


def risk_sentence(risk_from: str, risk_sure: str) -> str:
    """How sure a risk is, and from what; see `stream.catalogue.outputs`.

    >>> risk_sentence("both", "medium")
    'A fair estimate. It comes from the times of orders and from what became of earlier customers.'
    """
    return f"{HOW_SURE[risk_sure]} {FROM_WHAT[risk_from]}"


def change_sentence(feature: str, before: float, now: float, money: Money = plain_money) -> str:
    """What a feature was and is, when it has changed; ``money`` writes amounts.

    >>> change_sentence("days_since_purchase", 6.1, 34.0)
    'Days since the last order: 34 (was 6).'
    >>> change_sentence("purchases_28d", 3.0, 0.0)
    'Orders in 28 days: 0 (was 3).'
    >>> change_sentence("spend_28d", 40.0, 0.0)
    'Spend in 28 days: 0.00 (was 40.00).'
    """
    declared = FEATURES[COLUMN[feature]]
    title = (declared.title or feature.replace("_", " ")).capitalize()
    if declared.unit == "currency":
        return f"{title}: {money(now)} (was {money(before)})."
    digits = next((d for d in (0, 1, 2) if f"{before:.{d}f}" != f"{now:.{d}f}"), 3)
    return f"{title}: {now:,.{digits}f} (was {before:,.{digits}f})."
