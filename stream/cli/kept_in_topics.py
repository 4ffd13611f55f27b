"""For how long the topics keep what they have of a person, as the brokers say."""

from collections import defaultdict

from stream.cli.kafka import admin_client
from stream.cli.retention_findings import RETENTION_KEY, days_in_words
from stream.cli.topic_configs import values_of
from stream.settings import Settings

__all__ = ["kept_in_topics"]

_POLICY_KEY = "cleanup.policy"


def kept_in_topics(settings: Settings) -> str:
    """A line for receipts: which topics keep their records how long.

    Compacted topics keep the newest record of each key, and an erasure writes one without content.
    """
    admin, topics = admin_client(settings), [*settings.topics]
    retention = values_of(admin, topics, RETENTION_KEY)
    compacted = {name for name, policy in values_of(admin, topics, _POLICY_KEY).items() if policy == "compact"}
    alike: dict[str, list[str]] = defaultdict(list)
    for name in topics:
        if name in compacted:
            alike["until their brokers compact them"].append(name)
        elif name in retention:
            alike[days_in_words(int(retention[name]))].append(name)
    told = "; ".join(f"{how_long}: {', '.join(names)}" for how_long, names in sorted(alike.items()))
    return told or "the brokers do not tell for how long topics keep records"
