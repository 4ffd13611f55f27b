"""The peer on Kafka Streams: built with Maven once, started with the options of an engine.

Its sources are in ``benchmarks/peers/kafka_streams``: the job of ``benchmarks/peers/job.py`` as an engineer on the JVM
would write it: the Processor API, one thread, a state store of RocksDB with a changelog or in memory without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.kafka.jars import java, made_by_maven

__all__ = ["JVM_PEERS", "jvm_command"]

#: Options of each engine, as environment variables.
JVM_PEERS: Mapping[str, Mapping[str, str]] = {
    "streams-exactly-once-100ms": {"PEER_EXACTLY_ONCE": "1", "PEER_COMMIT_MS": "100"},
    "streams-exactly-once": {"PEER_EXACTLY_ONCE": "1"},
    "streams": {},
    "streams-30s": {"PEER_COMMIT_MS": "30000"},
    "streams-memory": {"PEER_IN_MEMORY": "1"},
}

_PROJECT = Path(__file__).parent / "peers" / "kafka_streams"
_HEAP = ("-Xmx2g", "-XX:+UseParallelGC")


def jvm_command() -> list[str]:
    """The command that starts the peer. The first call builds it, which needs a JDK, Maven and Maven Central."""
    built = made_by_maven("kafka-streams-peer", _PROJECT / "pom.xml", _goals, sorted(_PROJECT.rglob("*.java")))
    return [java(), *_HEAP, "-cp", f"{built / 'classes'}:{built / 'lib'}/*", "peer.Peer"]


def _goals(to: Path) -> tuple[str, ...]:
    return "compile", "dependency:copy-dependencies", f"-Doutput={to}", f"-DoutputDirectory={to / 'lib'}"
