"""Make a dump of stored state: ``python tests/upgrade/dump.py LOG DUMP`` with the release whose state it is to be.

The release's own worker processes the first part of the log on a real Redis, and every key is dumped. Run it from the
root of that release's checkout (``PYTHONPATH=.``), so it uses only what every release has.
"""

import asyncio
import gzip
import json
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from stream.agents.warmup import warm_up
from stream.local.redis import EmbeddedRedis
from stream.processing.rules import NO_MODEL, Rules
from stream.processing.scorer import Scorer
from stream.settings import Settings
from stream.storage.connection import Client, connect
from tests.agents.rig import TOPICS, Rig, until
from tests.oracle.record import Record

NAMESPACE = "upgrade"
DAY_MS = 86_400_000
RULES = Rules(silence_bound_ms=70 * DAY_MS)


def logs_in(path: Path, part: str) -> list[list[Record]]:
    """The records of each topic, those of the ``part`` "first" only, or all."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    logs = []
    for topic in TOPICS:
        records = content["records"][topic]
        end = content["first"][topic] if part == "first" else len(records)
        logs.append(
            [Record(key.encode(), value.encode(), at, offset) for offset, (key, value, at) in enumerate(records[:end])]
        )
    return logs


async def dumped(client: Client) -> list[dict[str, object]]:
    """Every key with its type and content; bytes in base64."""

    def text(value: bytes) -> str:
        return b64encode(value).decode()

    found: list[dict[str, object]] = []
    for key in sorted([key async for key in client.scan_iter("*")]):
        kind = (await client.type(key)).decode()
        content: object
        if kind == "string":
            content = text(await client.get(key))
        elif kind == "hash":
            content = [[text(name), text(value)] for name, value in (await client.hgetall(key)).items()]
        elif kind == "zset":
            content = [[text(name), score] for name, score in await client.zrange(key, 0, -1, withscores=True)]
        elif kind == "list":
            content = [text(value) for value in await client.lrange(key, 0, -1)]
        else:
            content = [text(value) for value in sorted(await client.smembers(key))]
        found.append({"key": key.decode(), "type": kind, "ttl": await client.ttl(key), "content": content})
    return found


async def run(url: str, log: Path) -> list[dict[str, object]]:
    client = connect(Settings(redis_url=url))
    rig = Rig(client, NAMESPACE, logs_in(log, "first"), RULES, Scorer(NO_MODEL, None))
    try:
        worker, running = await rig.start()
        await until(lambda: rig.is_done(worker), "everything is stored", 120)
        worker.stop()
        await asyncio.wait_for(running, 10)
        return await dumped(client)
    finally:
        await rig.end()
        await client.aclose()


def main(log: Path, target: Path) -> None:
    warm_up()
    with tempfile.TemporaryDirectory() as directory, EmbeddedRedis(Path(directory)) as server:
        keys = asyncio.run(run(server.url, log))
    target.write_bytes(gzip.compress(json.dumps(keys).encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
