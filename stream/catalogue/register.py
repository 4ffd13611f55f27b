"""The register of processing: where data of customers is, why, for how long, and who may see it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import FOR_RISK, Retention
from stream.catalogue.events import EVENT_TYPES
from stream.catalogue.topics import TOPICS

__all__ = [
    "KEY_STORE",
    "MACHINE",
    "OPERATOR",
    "OWNER",
    "STORES",
    "TOPIC_STORES",
    "Store",
]

_PROGRAM: Final = "the program; who may read the topic in Kafka"
OPERATOR: Final = "the program; who may run `stream` or read Redis"
OWNER: Final = "users of the console; who may run `stream`"
MACHINE: Final = "who may read the data directory of this machine"


@dataclass(frozen=True, slots=True)
class Store:
    """A place with data of people. ``contract``: the fields of its records, empty where ``what`` says it."""

    where: str
    what: str
    why: str
    who: str
    kept: Retention
    contract: str = ""


#: By topic, without the prefix of the installation.
TOPIC_STORES: Final = MappingProxyType(
    {
        **{
            f"events.{event_type}": Store(
                f"Kafka events.{event_type}",
                declared.description,
                declared.why,
                _PROGRAM,
                declared.kept,
                f"{event_type}-event",
            )
            for event_type, declared in EVENT_TYPES.items()
        },
        **{
            name: Store(f"Kafka {name}", topic.description, topic.why, _PROGRAM, topic.kept, topic.message)
            for name, topic in TOPICS.items()
        },
    }
)

#: All else but tables, which are in `stream.catalogue.tables`.
STORES: Final = (
    Store("Redis, documents", "features, risk, segment, stage", FOR_RISK, OPERATOR, Retention.NEWEST, "customer"),
    Store(
        "Redis, notifier", "actions and what was sent, by customer", TOPICS["actions"].why, OPERATOR, Retention.ACTIONS
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
