"""Notifications about customers, and the actions of people."""

from stream.metrics.instruments import SHORT_S, counter, gauge, histogram

__all__ = ["ACTIONS", "NOTIFICATIONS", "NOTIFICATION_FAILURES", "NOTIFICATION_QUEUE", "NOTIFICATION_SECONDS"]

NOTIFICATIONS = counter(
    "stream_notifications_total", "Finished alerts of a channel, by outcome.", ["channel", "outcome"]
)
NOTIFICATION_SECONDS = histogram(
    "stream_notification_delivery_seconds", "Attempts to deliver a message.", (*SHORT_S, 30.0, 60.0), ["channel"]
)
NOTIFICATION_FAILURES = counter(
    "stream_notification_failures_total", "Attempts to deliver a message that failed.", ["channel"]
)
NOTIFICATION_QUEUE = gauge("stream_notification_queue", "Alerts that wait for a channel.", ["channel"])
ACTIONS = counter("stream_actions_total", "Actions of people about customers.", ["action"])
