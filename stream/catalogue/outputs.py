"""What a customer document shows, beside ``features`` and the packed profile in ``state``."""

from typing import Final

__all__ = ["OUTPUTS"]

#: Name -> (meaning, decimal places; None: no number or a whole one). The order is free: a document is written by name.
OUTPUTS: Final = {
    "customer_id": ("the customer", None),
    "as_of": ("time of the last evaluation", None),
    "risk": ("probability of churn", 6),
    "model_version": ("version of the churn model that gave the risk", None),
    "alert": ("whether an alert is raised", None),
    "at_risk_from": ("when silence will raise an alert, if nothing happens before", None),
    "value_at_risk": ("expected spend of the horizon times the risk", 2),
    "expected_orders": ("orders within the horizon, as expected", 3),
    "expected_spend": ("spend within the horizon, as expected", 2),
    "lifetime_value": ("spend so far and as expected", 2),
    "segment": ("name of the segment", None),
    "reasons": ("the features that push the risk most, with their parts of the logit", 3),
    "events": ("applied events", None),
    "orders": ("completed orders", None),
    "spend": ("orders less refunds", 4),
    "first_at": ("time of the first event", None),
    "last_at": ("time of the newest event", None),
    "last_order_at": ("time of the last order", None),
    "unsubscribed_at": ("when the customer wanted no more e-mails", None),
    "usual_gap_days": ("the habit: median gap between days with an order", 2),
}
