"""Life and death of the embedded servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.errors import LocalServerError
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.local.server_process import HOST, LocalServer

DEADLINE_S = 15.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {DEADLINE_S:g} s: {what}")
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def ask(server: EmbeddedRedis, *commands: str) -> bytes:
    with socket.create_connection((HOST, server.port), 5) as connection:
        connection.sendall("".join(f"{command}\r\n" for command in (*commands, "QUIT")).encode())
        reply = bytearray()
        while chunk := connection.recv(4096):
            reply += chunk
    return bytes(reply)


def test_a_topic_can_be_created_on_the_broker(broker: EmbeddedBroker, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topic = f"{topic_prefix}events"
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(10)
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3


def test_the_broker_listens_on_the_loopback_interface_only(broker: EmbeddedBroker) -> None:
    assert broker.bootstrap == f"127.0.0.1:{broker.port}"
    assert listening_addresses(broker.pid) == {"0100007F"}


def test_a_file_that_ends_within_a_transaction_never_brings_back_a_part_of_it(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, appendfsync="always") as server:
        write = ["EVAL", "for i = 1, 3 do redis.call('SET', KEYS[i], ARGV[1]) end", "3", "a", "b", "token"]
        ask(server, *[" ".join(_quoted(word) for word in (*write, value)) for value in ("1", "2")])
        server.kill()
        file = max(tmp_path.rglob("*.aof"), key=lambda path: path.stat().st_mtime)
        os.truncate(file, file.read_bytes().rindex(b"token"))
        server.start()
        assert ask(server, "MGET a b token").count(b"$1\r\n1\r\n") == 3
        ask(server, "SET token 3")
        server.kill()
        server.start()
        assert b"$1\r\n1\r\n$1\r\n1\r\n$1\r\n3\r\n" in ask(server, "MGET a b token")


def _quoted(word: str) -> str:
    return f'"{word}"'


def test_redis_listens_on_the_loopback_interface_only(redis_server: EmbeddedRedis) -> None:
    assert listening_addresses(redis_server.pid) == {"0100007F"}


def listening_addresses(pid: int) -> set[str]:
    """Local IPv4 addresses (hex, as the kernel shows them) on which process ``pid`` listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        if (path := Path(f"/proc/{pid}/net/{table}")).exists()
        for line in path.read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def test_redis_keeps_its_keys_over_a_kill(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, appendfsync="always") as server:
        port = server.port
        assert ask(server, "SET customer 42").startswith(b"+OK")
        server.kill()
        assert not server.running
        server.start()
        assert server.port == port
        assert b"\r\n42\r\n" in ask(server, "GET customer")


def test_redis_refuses_writes_over_its_memory_limit_and_drops_nothing(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, maxmemory="2mb") as server:
        replies = ask(server, *(f"SET key{number} {'x' * 20_000}" for number in range(200)))
        stored = replies.count(b"+OK") - 1  # QUIT answers +OK too
        assert b"-OOM command not allowed" in replies
        assert f":{stored}\r\n".encode() in ask(server, "DBSIZE")


def test_redis_restarts_on_the_same_directory_and_port(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        port, pid = server.port, server.pid
        ask(server, "SET customer 42")
        server.restart()
        assert server.port == port
        assert server.pid != pid
        assert b"\r\n42\r\n" in ask(server, "GET customer")


def test_a_stopped_server_is_gone_and_stopping_again_does_nothing(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path).start()
    pid = server.pid
    server.stop()
    assert not is_alive(pid)
    server.stop()
    with pytest.raises(LocalServerError, match="not running"):
        _ = server.pid


@pytest.mark.parametrize("kind", [EmbeddedBroker, EmbeddedRedis])
def test_a_server_that_dies_while_starting_shows_the_end_of_its_log(
    kind: type[EmbeddedBroker | EmbeddedRedis], tmp_path: Path
) -> None:
    with socket.socket() as occupant:
        occupant.bind((HOST, 0))
        occupant.listen()
        server: LocalServer = kind(tmp_path, port=occupant.getsockname()[1])
        with pytest.raises(LocalServerError, match=r"(?is)ended with status.*in use"):
            server.start()
        assert not server.running


def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "first") as first, pytest.raises(LocalServerError, match="in use"):
        EmbeddedRedis(tmp_path / "second", port=first.port).start()


OWNER = """
import sys, pathlib, time
from stream.local.{module} import {name}
with {name}(pathlib.Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize(("module", "name"), [("broker", "EmbeddedBroker"), ("redis", "EmbeddedRedis")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_server_dies_with_its_owner(module: str, name: str, number: signal.Signals, tmp_path: Path) -> None:
    code = OWNER.format(module=module, name=name)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        try:
            assert owner.stdout is not None
            pid = int(owner.stdout.readline())
            assert is_alive(pid)
            owner.send_signal(number)
            wait_for(lambda: not is_alive(pid), f"server {pid} ends after {number.name} of its owner")
        finally:
            owner.kill()
