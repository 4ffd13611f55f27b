"""The store of the keys of persons dies, hangs and refuses: nothing is sent then, nothing is lost, workers go on."""

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import orjson
import psycopg

from stream.cli.topics import create_topics
from stream.local.child import Child
from stream.local.server_process import free_port
from stream.notifications.read_to_end import read_to_end
from stream.privacy.revealing import Revealer
from tests.directory.postgres import Postgres, required_postgres
from tests.faults.processes import environment_of
from tests.faults.scenario import Fault, Trial
from tests.faults.worker import Plan
from tests.ingest.running import TOKEN, click, post

__all__ = ["KEY_STORE_FAULTS"]

_ANSWER_S: Final = 60.0
_PEOPLE: Final = 40
#: Where sending goes on, and what Kafka may have then or not: whoever sent it does not know.
_SENT, _AWAY = 200, 503


class _Endpoint:
    """`stream ingest` with keys in PostgreSQL, into topics of its own, and somebody who sends without a pause."""

    def __init__(self, trial: Trial, server: Postgres) -> None:
        self.trial = trial
        self.server = server
        self.url = server.database()
        prefix = f"{trial.bench.settings.topic_prefix}keyed."
        self.settings = replace(
            trial.bench.settings,
            topic_prefix=prefix,
            privacy_keys=self.url,
            privacy_master_key="11" * 32,
            ingest_token=TOKEN,
            ingest_port=free_port(),
            data_dir=str(trial.bench.directory / "data"),
        )
        self.child = Child("ingest", ("ingest",), environment_of(self.settings), trial.bench.directory / "ingest.log")
        self.sent: set[str] = set()
        self.status = 0
        self._stopped = threading.Event()
        self._number = 0
        self._sender = threading.Thread(target=self._send, daemon=True)

    def begin(self) -> None:
        create_topics(self.settings)
        self.child.start()
        self._sender.start()
        self.expect(_SENT)

    def _send(self) -> None:
        while not self._stopped.is_set():
            self._number += 1
            event = click(
                self._number, event_id=f"keyed-{self._number}", customer_id=f"person-{self._number % _PEOPLE}"
            )
            try:
                self.status = post(self.settings.ingest_port, "/v1/events/click", event).status
            except OSError:
                self.status = 0
                self._stopped.wait(0.1)
                continue
            if self.status == _SENT:
                self.sent.add(str(event["event_id"]))

    def expect(self, status: int) -> None:
        """Wait until the endpoint answers so."""
        self.trial.bench.wait(f"an answer with status {status}", lambda: self.status == status, _ANSWER_S)
        if self.child.status is not None:
            self.trial.findings.append(f"R: ingest ended with its key store: {self.child.log_tail()}")

    def kill_store(self) -> None:
        """kill -9 of PostgreSQL; and once more soon after its start."""
        for _ in range(2):
            self.server.kill()
            self.expect(_AWAY)
            self.server.start()
        self.expect(_SENT)

    def stop_store(self) -> None:
        """It ends in good order and is away for a while."""
        self.server.pause()
        self.expect(_AWAY)
        self.server.start()
        self.expect(_SENT)

    def lock_store(self) -> None:
        """Somebody holds all of its tables: who waits for too long says so."""
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE person_key, refused_person, key_generation IN ACCESS EXCLUSIVE MODE")
            self.expect(_AWAY)
        self.expect(_SENT)

    def refuse(self) -> None:
        """It lets nobody in, and ends the connections that there are."""
        name = self.url.rpartition("/")[2]
        with psycopg.connect(self.url.replace(name, "postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false'.encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            self.expect(_AWAY)
            connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true'.encode())
        self.expect(_SENT)

    def kill_ingest(self) -> None:
        """kill -9 of the process that makes the keys; its supervisor starts it again."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait(_ANSWER_S)
        self.child.start()
        self.trial.bench.wait("no answer", lambda: self.status != _SENT, _ANSWER_S)
        self.expect(_SENT)

    def end(self) -> None:
        """Send no more, and stop the endpoint."""
        self._stopped.set()
        self._sender.join(_ANSWER_S)
        self.child.ask_to_end()
        self.child.wait(_ANSWER_S)

    def findings(self) -> Iterator[str]:
        """What is wrong with what Kafka has: every confirmed event, readable, each person under one pseudonym."""
        pseudonyms: dict[str, set[str]] = defaultdict(set)
        kept: set[str] = set()
        in_clear = wrong = 0
        with Revealer.of(self.settings) as revealer:
            for record in read_to_end(self.settings, self.settings.events_click):
                value = (record.value or b"").decode()
                in_clear += "person-" in value
                event = orjson.loads(revealer.json(value))
                number = int(event["event_id"].removeprefix("keyed-"))
                wrong += event["customer_id"] != f"person-{number % _PEOPLE}"
                pseudonyms[event["customer_id"]].add(orjson.loads(value)["customer_id"])
                kept.add(event["event_id"])
        if in_clear or wrong:
            yield f"K: {in_clear} records have an id in clear, {wrong} are of somebody else"
        if doubled := [who for who, of in pseudonyms.items() if len(of) > 1]:
            yield f"K: {len(doubled)} people have several pseudonyms, such as {doubled[0]}"
        if lost := self.sent - kept:
            yield f"K: {len(lost)} of {len(self.sent)} confirmed events are not there"
        if len(pseudonyms) != _PEOPLE:
            yield f"X: {len(pseudonyms)} of {_PEOPLE} people sent something"


@contextmanager
def _endpoint(trial: Trial) -> Iterator[_Endpoint]:
    with Postgres(required_postgres()) as server:
        endpoint = _Endpoint(trial, server)
        try:
            endpoint.begin()
            yield endpoint
        finally:
            endpoint.end()


def _strike(trial: Trial) -> None:
    """Each fault of the key store, while workers go on with the log."""
    with _endpoint(trial) as endpoint:
        trial.strike_each(
            [
                endpoint.kill_store,
                endpoint.stop_store,
                endpoint.lock_store,
                endpoint.refuse,
                endpoint.kill_ingest,
            ]
        )
        endpoint.end()
        trial.findings += endpoint.findings()


KEY_STORE_FAULTS = (
    Fault(
        "key-store-away",
        "33",
        _strike,
        log={"customers": 150},
        # no worker dies: one that a busy machine keeps from its heartbeat for seconds must not count as disturbed
        bench={"session_timeout_s": 30.0},
        plan=Plan(pace_ms=200.0),
        beside_broker=True,
        runs=2,
    ),
)
