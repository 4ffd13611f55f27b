"""What is not done because customers do not agree."""

from stream.metrics.instruments import counter

__all__ = ["CONSENT_REFUSALS"]

CONSENT_REFUSALS = counter(
    "stream_consent_refusals_total",
    "Uses of a customer's data that were refused, as the customer does not agree.",
    ["use"],
)
