"""Names of the keys in Redis.

All keys of a partition carry the same hash tag ``{p}``, so that one script can write them on a Redis Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Keys", "ProjectionKeys"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one namespace."""

    namespace: str

    def meta(self, partition: int) -> str:
        """Hash: the fencing token, the epoch and the state (offsets, stream time, counters) of a partition."""
        return f"{self.namespace}:{{{partition}}}:meta"

    def timers(self, partition: int) -> str:
        """Sorted set: customer id -> stream time in ms at which its next timer is due."""
        return f"{self.namespace}:{{{partition}}}:timers"

    def outbox(self, partition: int) -> str:
        """List: records that are to be published, oldest first."""
        return f"{self.namespace}:{{{partition}}}:outbox"

    def writing(self, partition: int) -> str:
        """String: the token that the latest step began from, and the one that it was to end at."""
        return f"{self.namespace}:{{{partition}}}:writing"

    def released(self, partition: int) -> str:
        """Set: customers in quarantine whom an operator wants processed again."""
        return f"{self.namespace}:{{{partition}}}:released"

    def customer(self, partition: int, customer_id: str) -> str:
        """String: the JSON document of a customer."""
        return f"{self.namespace}:{{{partition}}}:customer:{customer_id}"

    def customer_pattern(self) -> str:
        """Glob for SCAN that matches every customer document."""
        return f"{self.namespace}:{{*}}:customer:*"

    def layout(self) -> str:
        """String: how many partitions there were when the first worker began."""
        return f"{self.namespace}:{{models}}:partitions"

    def profile_layout(self) -> str:
        """String: the layout in which workers write profiles; none is stored in a newer one."""
        return f"{self.namespace}:{{models}}:profile-layout"

    def rescore(self) -> str:
        """String: how often it was asked that all customers be scored again."""
        return f"{self.namespace}:{{models}}:rescore"

    def snapshot(self) -> str:
        """String: the model snapshot that scorers read."""
        return f"{self.namespace}:{{models}}:snapshot"

    def horizon_seed(self) -> str:
        """String: horizon and usual gap that an import has found in a history, for the trainer to begin with."""
        return f"{self.namespace}:{{models}}:horizon-seed"

    def candidates(self) -> str:
        """Hash: the newest snapshot of every contender, and its version."""
        return f"{self.namespace}:{{models}}:candidates"

    def models(self) -> str:
        """Hash: what is in use, what operators have decided (pinned, frozen), and the trainer's report."""
        return f"{self.namespace}:{{models}}:meta"

    def kept(self) -> str:
        """List: snapshots that were in use before, newest first."""
        return f"{self.namespace}:{{models}}:kept"

    def decisions(self) -> str:
        """List: what operators have decided, when and who, newest first."""
        return f"{self.namespace}:{{models}}:decisions"

    def checkpoint(self) -> str:
        """Hash: the trainer's state, the offset it has learned up to, and the fencing token."""
        return f"{self.namespace}:{{models}}:checkpoint"

    def learned(self, week: int) -> str:
        """Set: digests of the ids of the examples learned whose landmark lies in this week since the epoch."""
        return f"{self.namespace}:{{models}}:learned:{week}"

    def learned_pattern(self) -> str:
        """Glob for SCAN that matches the sets of all weeks."""
        return f"{self.namespace}:{{models}}:learned:*"

    def projection_generation(self, name: str, version: int) -> str:
        """String: how often operators have had a projection built again."""
        return f"{self.namespace}:{{models}}:projection:{name}.{version}:generation"


@dataclass(frozen=True, slots=True)
class ProjectionKeys(Keys):
    """Keys of one generation of a projection; a partition of it has the same kinds as one of the core."""

    name: str
    version: int
    generation: int

    def prefix(self, partition: int) -> str:
        """What the keys of a partition begin with."""
        return f"{self._prefix_of_version(partition)}{self.generation}:"

    def _prefix_of_version(self, partition: int) -> str:
        return f"{self.namespace}:{{{partition}}}:projection:{self.name}.{self.version}."

    def pattern_of_version(self, partition: int) -> str:
        """Glob for SCAN that matches the keys of a partition in any generation."""
        return f"{self._prefix_of_version(partition)}*"

    def generation_of(self, partition: int, key: bytes) -> int:
        """The generation of a key that `pattern_of_version` matches.

        >>> keys = ProjectionKeys("stream", "leads", 1, 3)
        >>> keys.generation_of(0, keys.meta(0).encode())
        3
        """
        return int(key.decode().removeprefix(self._prefix_of_version(partition)).partition(":")[0])

    def meta(self, partition: int) -> str:
        """Hash: the fencing token, the epoch and the state (offsets, counters) of a partition."""
        return f"{self.prefix(partition)}meta"

    def timers(self, partition: int) -> str:
        """Sorted set: key and timer of a state, as JSON -> time in ms at which it is due."""
        return f"{self.prefix(partition)}timers"

    def outbox(self, partition: int) -> str:
        """List: records that are to be published, oldest first."""
        return f"{self.prefix(partition)}outbox"

    def writing(self, partition: int) -> str:
        """String: the token that the latest step began from, and the one that it was to end at."""
        return f"{self.prefix(partition)}writing"

    def released(self, partition: int) -> str:
        """Set: customers whom an operator wants erased, in any generation."""
        return f"{self.namespace}:{{{partition}}}:projection:{self.name}:erase"

    def customer(self, partition: int, customer_id: str) -> str:
        """String: the state of a key, JSON."""
        return f"{self.prefix(partition)}state:{customer_id}"

    def customer_pattern(self) -> str:
        """Glob for SCAN that matches every state."""
        return f"{self.namespace}:{{*}}:projection:{self.name}.{self.version}.{self.generation}:state:*"
