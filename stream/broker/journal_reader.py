"""Reading the log on disk beside its writer."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stream.broker.journal import StoredTopic, connect

__all__ = ["Reader"]

TP = tuple[str, int]


class Reader:
    """Reads what has been committed, over a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path)

    def close(self) -> None:
        self._db.close()

    def batches(self, topic: StoredTopic, partition: int, offset: int, end: int, max_bytes: int) -> bytes:
        """Whole batches from that which holds ``offset`` to the offset ``end``: one at least, then as many as fit.

        The writer's thread may have stored more than the broker has heard of, ``end``. A client that was given
        more would be refused when it asks for what follows.
        """
        place = (topic.id, partition)
        found: list[bytes] = []
        raw = 0
        query = (
            "select body from batches where topic = ?1 and partition = ?2 and base >= coalesce(("
            "select max(base) from batches where topic = ?1 and partition = ?2 and base <= ?3), 0)"
            " and next > ?3 and base < ?4 order by base"
        )
        with closing(self._db.execute(query, (*place, offset, end))) as rows:
            for (body,) in rows:
                raw += len(body)
                if found and raw > max_bytes:
                    break
                found.append(body)
        return b"".join(found)

    def each(self, topic: StoredTopic, partition: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        """Base, time (ms) and content of each batch before ``end``."""
        query = "select base, time_ms, body from batches where topic = ? and partition = ? and base < ? order by base"
        with closing(self._db.execute(query, (topic.id, partition, end))) as rows:
            yield from rows

    def offset_at(self, topic: StoredTopic, partition: int, time_ms: int) -> tuple[int, int] | None:
        """Offset and time of the first batch that has a record of ``time_ms`` or later."""
        query = (
            "select base, time_ms from batches where topic = ? and partition = ? and time_ms >= ? order by base limit 1"
        )
        rows = self._db.execute(query, (topic.id, partition, time_ms)).fetchall()
        return (rows[0][0], rows[0][1]) if rows else None

    def offsets(self, consumers: str) -> dict[TP, tuple[int, str]]:
        """Committed offsets of a group, with their metadata."""
        query = "select topic, partition, next, metadata from offsets where consumers = ?"
        return {(topic, p): (offset, metadata) for topic, p, offset, metadata in self._db.execute(query, (consumers,))}

    def consumers(self) -> list[str]:
        """Names of the groups that have committed."""
        return [name for (name,) in self._db.execute("select distinct consumers from offsets")]
