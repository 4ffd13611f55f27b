"""How the transport fetches, and the Faust settings that go with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stream.agents.transport.no_tables import NoTables
from stream.errors import SettingsError

__all__ = ["FAUST_SETTINGS", "TransportOptions"]

#: Keyword arguments of ``faust.App`` that the transport was built and measured with; each may be overridden.
FAUST_SETTINGS: Mapping[str, Any] = {
    "TableManager": NoTables,
    "broker_session_timeout": 10.0,
    "broker_heartbeat_interval": 3.0,
    "broker_commit_interval": 1.0,
    # None, in effect: aiokafka lets a member that has not fetched for so long not join again before it fetches, and
    # Faust does not fetch before it has joined. A worker that hangs is the business of `stream.agents.watchdog`.
    "broker_max_poll_interval": 30 * 86_400.0,
    "consumer_max_fetch_size": 1 << 20,
    # How soon partitions that someone adds are noticed; aiokafka asks every five minutes.
    "consumer_metadata_max_age_ms": 30_000,
    # Tables keep state that is not part of our atomic write, and replicas of them change the assignor.
    "table_standby_replicas": 0,
    # Internal topics: the worker neither elects a Faust leader nor creates topics behind the operator's back.
    "topic_disable_leader": True,
    "topic_allow_declare": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """Raises `SettingsError` for values that cannot work."""

    #: Topics whose partition p must be on the same worker, for every p; equal partition counts.
    copartitioned: frozenset[str] = frozenset()
    #: Partitions that each of them must have; None: any number, as long as it is the same.
    partitions: int | None = None
    #: Records of one event, at most.
    batch_max_records: int = 4_096
    #: Batches of one partition that wait for the agent before fetching of that partition pauses.
    queued_batches: int = 2
    #: How long a broker may hold a fetch back to have more to answer: bounds how long a record waits for others, how
    #: old the known end of an idle partition is, and how long one that has just been drained waits behind idle ones.
    fetch_max_wait_s: float = 0.025
    #: What is enough to answer at once. Few records at a time cost as much as many: without this a worker would be as
    #: busy with a tenth of its load as with all of it.
    fetch_min_bytes: int = 65_536
    #: When nothing has arrived for this time, a broker may hold a fetch for ``idle_wait_s``, and answers with the first
    #: record: an idle worker asks seldom, and hears of a record no later.
    idle_after_s: float = 1.0
    idle_wait_s: float = 0.5
    #: How often the fetch loop turns when nothing arrives.
    poll_s: float = 0.25
    #: Finding out where to start, by `PartitionOwner.restore_offsets`, and going there.
    restore_timeout_s: float = 60.0
    #: `PartitionOwner.on_revoked`, and the last commit after it: each is given up after this time.
    handover_timeout_s: float = 5.0
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"

    @property
    def queued_records(self) -> int:
        """How many records of a partition are unpacked at once: as many as may wait for the agent."""
        return self.batch_max_records * self.queued_batches

    def __post_init__(self) -> None:
        for name in ("batch_max_records", "queued_batches", "fetch_min_bytes"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in (
            "fetch_max_wait_s",
            "idle_after_s",
            "idle_wait_s",
            "poll_s",
            "restore_timeout_s",
            "handover_timeout_s",
        ):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} is {getattr(self, name)}: it must be more than 0 seconds")
