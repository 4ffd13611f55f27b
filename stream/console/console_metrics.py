"""What the console counts."""

from stream.metrics.instruments import SHORT_S, counter, gauge, histogram

__all__ = [
    "CONSOLE_DATABASE",
    "CONSOLE_LOGINS",
    "CONSOLE_OLDEST_ACTION",
    "CONSOLE_REQUESTS",
    "CONSOLE_SECONDS",
    "CONSOLE_WAITING",
]

CONSOLE_REQUESTS = counter(
    "stream_console_requests_total",
    "Requests for pages, and of programs, that the console answered.",
    ["page", "status"],
)
CONSOLE_SECONDS = histogram(
    "stream_console_request_seconds", "From the head of a request to the console to its answer.", SHORT_S, ["page"]
)
CONSOLE_LOGINS = counter("stream_console_logins_total", "Attempts to log in to the console.", ["outcome"])
# Rates of a series begin at its second value: the first refusal must not be lost to them.
for _outcome in ("accepted", "refused", "limited"):
    CONSOLE_LOGINS.labels(_outcome)
CONSOLE_DATABASE = gauge("stream_console_database_up", "1 when the console's database answers, else 0.")
CONSOLE_WAITING = gauge(
    "stream_console_due_actions", "Actions that can no longer be undone and wait for Kafka's confirmation."
)
CONSOLE_OLDEST_ACTION = gauge(
    "stream_console_oldest_due_action_seconds", "For how long the oldest of them has been due; 0 if there is none."
)
