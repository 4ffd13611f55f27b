"""What states and snapshots of the first layout, which do not name their parts, are made of. Nothing here changes."""

from typing import Final

from stream.online_models.inputs import FIRST_FEATURES

__all__ = [
    "FIRST_CONTENDERS",
    "FIRST_DRIFT_FEATURES",
    "FIRST_PAIRS",
    "FIRST_SEGMENT_FEATURES",
    "FIRST_SIMPLE_TERMS",
    "FIRST_TERMS",
    "FIRST_VALUE_FEATURES",
]

_CURVED: Final = (
    "days_since_purchase",
    "purchases_90d",
    "purchases_28d",
    "purchase_gap",
    "silence_ratio",
    "order_value",
    "spend_90d",
    "purchase_interval",
)
#: Products of the churn model, each by the names of both factors in the order of the alphabet.
FIRST_PAIRS: Final = tuple("*".join(sorted((a, b))) for i, a in enumerate(_CURVED) for b in _CURVED[: i + 1])
#: Terms of its regressions.
FIRST_TERMS: Final = (*(name for name in FIRST_FEATURES if name not in ("purchases_total", "tenure")), *FIRST_PAIRS)
FIRST_SIMPLE_TERMS: Final = ("days_since_purchase", "purchase_days", "order_value", "spend_90d")
#: Contenders by the last digit of a model's version.
FIRST_CONTENDERS: Final = ("standard", "quick", "patient")
FIRST_DRIFT_FEATURES: Final = (
    "days_since_purchase",
    "purchases_28d",
    "spend_28d",
    "order_value",
    "clicks_28d",
    "emails_28d",
    "active_days_28d",
)
FIRST_SEGMENT_FEATURES: Final = (
    "days_since_purchase",
    "purchases_90d",
    "spend_90d",
    "purchases_total",
    "order_value",
    "tenure",
    "clicks_90d",
    "emails_90d",
)
FIRST_VALUE_FEATURES: Final = (
    "purchases_28d",
    "purchases_90d",
    "spend_7d",
    "spend_28d",
    "spend_90d",
    "days_since_purchase",
    "tenure",
    "purchases_total",
    "purchase_gap",
    "silence_ratio",
    "order_value",
    "active_days_28d",
)
