"""A real Redis Cluster of masters on the loopback interface."""

import random
import socket
import time
from pathlib import Path

import redis

from stream.errors import LocalServerError
from stream.local.redis import EmbeddedRedis
from stream.local.server_process import HOST

__all__ = ["RedisCluster"]

SLOTS = 16_384
#: Distance from a node's port for clients to its port for other nodes.
BUS = 10_000
JOIN_TIMEOUT_S = 30.0
POLL_S = 0.05


class _Node(EmbeddedRedis):
    def command(self) -> list[str]:
        options = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000")
        return [*super().command(), *options]


class RedisCluster:
    """``nodes`` masters that share the slots; each keeps its append-only file across `kill_node` and `restart_node`."""

    def __init__(self, directory: Path, nodes: int = 3, *, appendfsync: str = "always") -> None:
        self.directory = directory
        self.nodes = [_Node(directory / f"node-{k}", _free_pair(), appendfsync=appendfsync) for k in range(nodes)]

    @property
    def url(self) -> str:
        """The address of one node; a client learns of the others from it."""
        return self.nodes[0].url

    def start(self) -> None:
        """Start the nodes, share out the slots, and wait until every node knows that all slots are served."""
        try:
            for node in self.nodes:
                node.start()
            self._join()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End all nodes as a crash would."""
        for node in self.nodes:
            node.kill()

    def kill_node(self, number: int) -> None:
        """End one node as a crash would; its slots are served by nobody."""
        self.nodes[number].kill()

    def restart_node(self, number: int) -> None:
        """Start a node that has ended, on its file, and wait until the cluster is whole."""
        self.nodes[number].start()
        self._wait_until_whole()

    def _join(self) -> None:
        width = -(-SLOTS // len(self.nodes))
        for k, node in enumerate(self.nodes):
            with redis.Redis.from_url(node.url) as client:
                client.execute_command("CLUSTER ADDSLOTS", *range(k * width, min((k + 1) * width, SLOTS)))
                # every node needs an epoch of its own, or they would have to agree on one first
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", k + 1)
        with redis.Redis.from_url(self.nodes[0].url) as first:
            for node in self.nodes[1:]:
                first.execute_command("CLUSTER MEET", HOST, node.port)
        self._wait_until_whole()

    def _wait_until_whole(self) -> None:
        deadline = time.monotonic() + JOIN_TIMEOUT_S
        while not all(map(self._sees_all, self.nodes)):
            if time.monotonic() > deadline:
                tails = "\n".join(node.log_tail() for node in self.nodes)
                raise LocalServerError(f"the nodes do not form a cluster within {JOIN_TIMEOUT_S:g} s; {tails}")
            time.sleep(POLL_S)

    def _sees_all(self, node: EmbeddedRedis) -> bool:
        with redis.Redis.from_url(node.url) as client:
            state = client.cluster("INFO")
        whole = {"cluster_state": "ok", "cluster_known_nodes": str(len(self.nodes)), "cluster_slots_ok": str(SLOTS)}
        return all(state[name] == value for name, value in whole.items())


def _free_pair() -> int:
    """A port for clients whose bus port is free as well; below what the system gives out by itself."""
    while True:
        port = random.randrange(10_000, 22_000)
        try:
            for number in (port, port + BUS):
                with socket.socket() as probe:
                    probe.bind((HOST, number))
        except OSError:
            continue
        return port
