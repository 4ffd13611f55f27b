"""Topics beside those of events, which follow from the event types (``events.NAME``)."""

from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import Retention, Topic

__all__ = ["TOPICS"]

_SEND, _RECEIVE = ("send",), ("receive",)

TOPICS: Final = MappingProxyType(
    {
        topic.name: topic
        for topic in (
            Topic(
                "alerts",
                "alert",
                _SEND,
                "Risks of churn, raised and cleared. At least once; drop by `alert_id`.",
                why="to tell people of customers who may leave",
            ),
            Topic(
                "segment-changes",
                "segment-change",
                _SEND,
                "At least once; drop repeats by `change_id`.",
                why="to tell people and systems of customers who behave in another way",
            ),
            Topic(
                "stages",
                "stage-change",
                _SEND,
                "Customers who came into another stage of their life with the shop, and why. At least once; drop "
                "repeats by `change_id`.",
                why="to tell people and systems where customers stand with the shop",
            ),
            Topic(
                "customers",
                "customer",
                _SEND,
                "The document of a customer, whenever something people act on changes. Compacted: the newest counts.",
                kept=Retention.NEWEST,
                why="for other systems that act by the state of a customer",
            ),
            Topic(
                "dead-letters",
                "dead-letter",
                _SEND,
                "Events that could not be applied, as they came.",
                kept=Retention.DEAD_LETTERS,
                why="to repair events that could not be used",
            ),
            Topic(
                "training-examples",
                "training-example",
                ("send", "receive"),
                "What was known at landmarks, and the labels that follow, for the trainer. At least once; drop repeats "
                "by `example_id`.",
                partitions=1,
                kept=Retention.EVENTS,
                why="to learn the models of risk and value",
            ),
            Topic(
                "identities",
                "identity-link",
                ("send", "receive"),
                "Which ids are one person: by the identifiers of events, and by decisions of people.",
                kept=Retention.DECISIONS,
                why="to know which ids are one person",
            ),
            Topic(
                "arrivals",
                "arrival-note",
                ("send", "receive"),
                "Events of all types by any id of their customer, with the header `event-type`, before the projection "
                "`arrivals` passes them on; and notes about ids, with the header `record`.",
                kept=Retention.EVENTS,
                why="to give each event to the person who it is of",
            ),
            Topic(
                "assignments",
                "assignment",
                ("send", "receive"),
                "Whose each id is, by the projection `arrivals`, for a rebuild of it. Compacted: the newest counts.",
                kept=Retention.NEWEST,
                why="to give each event to the person who it is of",
            ),
            Topic(
                "feedback-texts",
                "feedback-text",
                ("send", "receive"),
                "What customers wrote, without personal data, with the labels that are known: what the projection "
                "`classification` learns from. At least once.",
                kept=Retention.TEXTS,
                why="to learn what customers write about",
            ),
            Topic(
                "actions",
                "action",
                _RECEIVE,
                "What people and systems did about customers.",
                for_people=True,
                kept=Retention.ACTIONS,
                why="to know what was done for a customer, and not to do it twice",
            ),
            Topic(
                "offers",
                "offer-decision",
                ("send", "receive"),
                "What is offered to customers, and to whom nothing is, with propensities. At least once; drop repeats "
                "by `decision_id`.",
                kept=Retention.EVENTS,
                why="to know what was offered to whom, and to measure what it achieves",
            ),
            Topic(
                "points",
                "points-movement",
                ("send", "receive"),
                "Points that customers spent or were given, beside those for orders. At least once; drop repeats by "
                "`movement_id`.",
                kept=Retention.EVENTS,
                why="to know what points a customer has",
            ),
            Topic(
                "recommendations",
                "customer-recommendations",
                _SEND,
                "What to offer to a customer, whenever the first items of a list change. Compacted: the newest counts.",
                kept=Retention.NEWEST,
                why="for other systems that offer a customer what they may need",
            ),
            Topic(
                "privacy-requests",
                "privacy-request",
                ("send", "receive"),
                "Who is to be erased, and who was, as keyed hashes, with the receipt. Compacted: the newest counts.",
                partitions=1,
                kept=Retention.DECISIONS,
                why="to erase people, to keep them erased, and to prove it",
            ),
            Topic(
                "notifications",
                "notification",
                _SEND,
                "What became of each alert on each channel.",
                for_people=True,
                kept=Retention.ACTIONS,
                why="to know who was told of whom, and to measure what it achieves",
            ),
            Topic(
                "notification-dead-letters",
                "undelivered-alert",
                _SEND,
                "Alerts that no channel took, as they came.",
                for_people=True,
                kept=Retention.DEAD_LETTERS,
                why="to send again what no channel took",
            ),
        )
    }
)
