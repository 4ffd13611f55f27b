"""A streaming customer-event processor: rolling features, online churn and segment models, alerts."""

__version__ = "0.1.0"
