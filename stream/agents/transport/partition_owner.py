"""What the application tells the transport about its partitions, and what it wants to be told."""

from collections.abc import Mapping

from faust.types import TP

from stream.errors import TopologyError

__all__ = ["PartitionOwner"]


class PartitionOwner:
    """The application's side of assignment and revocation, for the partitions that come in batches.

    Subclass it. The order of calls at a rebalance is::

        on_revoked(old) -> last commit of old -> restore_offsets(new) -> seek -> on_assigned(new) -> records

    An exception from any of them crashes the Faust app. A rebalance that begins during another one cancels
    `restore_offsets` and `on_assigned`, so `on_revoked` may name partitions that `on_assigned` never did.
    """

    async def restore_offsets(self, assigned: frozenset[TP]) -> Mapping[TP, int]:
        """The offset of the first record that is not processed yet, per partition.

        A partition that is missing starts at the beginning of its log. Kafka's commits are not asked.
        """
        raise NotImplementedError

    async def on_assigned(self, assigned: frozenset[TP]) -> None:
        """The whole assignment is positioned; its records follow as soon as this returns.

        What is not in it is not ours. Not called for an empty assignment.
        """

    async def on_revoked(self, revoked: frozenset[TP]) -> None:
        """The partitions are about to go to another worker, or this one stops in good order.

        Nothing more is delivered. Acks still count: after this returns, what is done is committed once more
        and the rest is forgotten. Cancelled after ``TransportOptions.handover_timeout_s``. Not called when
        the app has crashed.
        """

    async def on_lost(self, lost: frozenset[TP]) -> None:
        """As `on_revoked`, which it calls by default; but the group has forgotten this worker, after a silence.

        Others may own the partitions already, so publishing must stop at once.
        """
        await self.on_revoked(lost)

    async def on_unfit_topics(self, error: TopologyError) -> None:
        """The topics, or this worker's share of them, cannot be processed. Raises ``error`` by default."""
        raise error

    async def on_offset_out_of_range(self, tp: TP, stored: int, earliest: int, latest: int) -> int:
        """The offset to go on from, when the log ``[earliest, latest)`` does not contain ``stored``.

        Below the log start, retention has deleted records that were never processed; beyond the log end, the
        broker has lost records that were. Raises `TopologyError` by default, for both need a decision.
        """
        what = "retention deleted unprocessed records" if stored < earliest else "the broker lost records"
        raise TopologyError(
            f"{tp.topic}/{tp.partition}: expected to resume at offset {stored}, but the log holds "
            f"[{earliest}, {latest}): {what}; restore the topic, or reset the stored offset of the partition"
        )
