"""Topics beside those of events, which follow from the event types (``events.NAME``)."""

from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import Topic

__all__ = ["TOPICS"]

_SEND, _RECEIVE = ("send",), ("receive",)

TOPICS: Final = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            Topic("alerts", "alert", _SEND, "Risks of churn, raised and cleared. At least once; drop by `alert_id`."),
            Topic("segment-changes", "segment-change", _SEND, "At least once; drop repeats by `change_id`."),
            Topic("dead-letters", "dead-letter", _SEND, "Events that could not be applied, as they came."),
            Topic(
                "training-examples",
                "training-example",
                ("send", "receive"),
                "Internal: from workers to trainer.",
                partitions=1,
            ),
            Topic("actions", "action", _RECEIVE, "What people and systems did about customers.", for_people=True),
            Topic(
                "notifications",
                "notification",
                _SEND,
                "What became of each alert on each channel.",
                for_people=True,
            ),
            Topic(
                "notification-dead-letters",
                "undelivered-alert",
                _SEND,
                "Alerts that no channel took, as they came.",
                for_people=True,
            ),
        )
    }
)
