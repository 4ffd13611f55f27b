"""The register of processing: where data of customers is, why, for how long, and who may see it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import Retention
from stream.catalogue.events import EVENT_TYPES
from stream.catalogue.topics import TOPICS

__all__ = [
    "KEY_STORE",
    "MACHINE",
    "OWNER",
    "PROJECTION_STORES",
    "STORES",
    "TOPIC_STORES",
    "Store",
]

_PROGRAM: Final = "the program; who may read the topic in Kafka"
_OPERATOR: Final = "the program; who may run `stream` or read Redis"
OWNER: Final = "users of the console; who may run `stream`"
MACHINE: Final = "who may read the data directory of this machine"
_FOR_RISK: Final = "to see who may leave, and why"


@dataclass(frozen=True, slots=True)
class Store:
    """A place with data of people. ``contract``: the fields of its records, empty where ``what`` says it."""

    where: str
    what: str
    why: str
    who: str
    kept: Retention
    contract: str = ""


_WHY_TOPIC: Final = MappingProxyType(
    {
        "alerts": "to tell people of customers who may leave",
        "segment-changes": "to tell people and systems of customers who behave in another way",
        "stages": "to tell people and systems where customers stand with the shop",
        "customers": "for other systems that act by the state of a customer",
        "dead-letters": "to repair events that could not be used",
        "training-examples": "to learn the models of risk and value",
        "identities": "to know which ids are one person",
        "arrivals": "to give each event to the person who it is of",
        "assignments": "to give each event to the person who it is of",
        "feedback-texts": "to learn what customers write about",
        "privacy-requests": "to erase people, to keep them erased, and to prove it",
        "actions": "to know what was done for a customer, and not to do it twice",
        "notifications": "to know who was told of whom, and to measure what it achieves",
        "offers": "to know what was offered to whom, and to measure what it achieves",
        "points": "to know what points a customer has",
        "recommendations": "for other systems that offer a customer what they may need",
        "notification-dead-letters": "to send again what no channel took",
    }
)
_WHY_EVENT: Final = MappingProxyType(
    {
        "consent": "to show what a customer agreed to, and to obey it",
        "feedback": "to know how satisfied customers are, and who waits for an answer",
        "interaction": "to know what customers do outside of the site",
    }
)
_WHY_PROJECTION: Final = MappingProxyType(
    {
        "activity": "to show what a customer does",
        "stages": "to count how customers come and go",
        "satisfaction": "to know how satisfied a customer is",
        "ratings": "to count what customers say of products",
        "surveys": "to count who answers surveys",
        "complaints": "to answer every complaint",
        "channels": "to show by what way a customer comes",
        "identity": "to know which ids are one person",
        "arrivals": "to give each event to the person who it is of",
        "texts": "to show what a customer wrote",
        "classification": "to know what customers write about",
        "leads": "to see who may order for the first time",
        "recommendations": "to offer what a customer may need",
        "points": "to know what points a customer has",
        "offers": "to learn what an offer achieves, and not to make it twice",
        "consents": "to obey what customers agreed to",
    }
)
_KEPT_PROJECTION: Final = MappingProxyType({"texts": Retention.TEXTS, "consents": Retention.DECISIONS})

#: By topic, without the prefix of the installation.
TOPIC_STORES: Final = MappingProxyType(
    {
        **{
            f"events.{event_type}": Store(
                f"Kafka events.{event_type}",
                declared.description,
                _WHY_EVENT.get(event_type, _FOR_RISK),
                _PROGRAM,
                declared.kept,
                f"{event_type}-event",
            )
            for event_type, declared in EVENT_TYPES.items()
        },
        **{
            name: Store(f"Kafka {name}", topic.description, _WHY_TOPIC[name], _PROGRAM, topic.kept, topic.message)
            for name, topic in TOPICS.items()
        },
    }
)

#: By projection.
PROJECTION_STORES: Final = MappingProxyType(
    {
        name: Store(f"Redis, projection {name}", "", why, _OPERATOR, _KEPT_PROJECTION.get(name, Retention.NEWEST))
        for name, why in _WHY_PROJECTION.items()
    }
)

#: All else but tables, which are in `stream.catalogue.tables`.
STORES: Final = (
    Store("Redis, documents", "features, risk, segment, stage", _FOR_RISK, _OPERATOR, Retention.NEWEST, "customer"),
    Store(
        "Redis, notifier", "actions and what was sent, by customer", _WHY_TOPIC["actions"], _OPERATOR, Retention.ACTIONS
    ),
)

#: With `privacy_keys`.
KEY_STORE: Final = Store(
    "key store",
    "pseudonyms, keyed hashes of ids, and the keys of persons with their ids, wrapped with the master key; of who was"
    " erased the keyed hash alone, with erased_people=refuse",
    "to read what the other places have under keys of persons, and to end that for good",
    "who has both the database and the master key",
    Retention.NEWEST,
)
