"""Master keys change while events are sent and processed: nobody is refused, and nothing becomes unreadable."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.topics import create_topics
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.privacy.revealing import Revealer
from stream.settings import Settings
from tests.ingest.running import TOKEN, click, post
from tests.privacy.watched import WatchedProcess

pytestmark = pytest.mark.timeout(600)
OLD, NEW = "11" * 32, "22" * 32
PEOPLE = 12


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "master").write_text(OLD)
    wanted = Settings(
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_master_key_file=str(tmp_path / "master"),
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    with LocalStack(tmp_path / "servers", wanted, partitions=2) as running:
        settings = replace(running.settings, data_dir=str(tmp_path / "data"), ingest_token=TOKEN, ingest_port=0)
        create_topics(settings)
        yield settings


#: What ingest says when it has not taken an event, and may later.
_BUSY = 503


class Sender(threading.Thread):
    """Sends an event after the other until it is stopped."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.statuses: list[int] = []
        self._port = port
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            number = len(self.statuses)
            event = click(
                number,
                event_id=f"turn-{number}",
                customer_id=f"person-{number % PEOPLE}",
                occurred_at=1_717_158_600 + number,
            )
            answer = post(self._port, "/v1/events/click", event)
            while answer.status == _BUSY and not self._stopped.wait(0.1):
                # "try again" loses nothing, and machines are busy
                answer = post(self._port, "/v1/events/click", event)
            if answer.status != _BUSY:
                self.statuses.append(answer.status)

    def send_more(self, count: int) -> None:
        """Wait until so many more were answered."""
        until, deadline = len(self.statuses) + count, time.monotonic() + 120
        while len(self.statuses) < until:
            assert self.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> int:
        """How many were sent."""
        self._stopped.set()
        self.join(60)
        return len(self.statuses)


def cli(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    assert result.exit_code == 0, result.output
    return result.stdout


def events_of(settings: Settings, person: str) -> int:
    result = CliRunner().invoke(main, ["customer", person, "--json"], env={**settings.to_env()})
    return int(orjson.loads(result.stdout)["events"]) if result.exit_code == 0 else 0


def test_keys_change_while_ingest_and_worker_run(settings: Settings, tmp_path: Path) -> None:
    with WatchedProcess(settings, tmp_path, "ingest") as ingest, WatchedProcess(settings, tmp_path, "worker") as worker:
        sender = Sender(int(ingest.found(r"events are taken at http://[^/]+:(\d+)/")))
        sender.start()
        sender.send_more(2 * PEOPLE)
        (tmp_path / "master").write_text(f"{NEW}\n{OLD}")
        assert f"{PEOPLE} of {PEOPLE} keys are newly wrapped" in cli(settings, "privacy", "rotate")
        (tmp_path / "master").write_text(NEW)
        sender.send_more(2 * PEOPLE)
        sent = sender.stop()
        assert Counter(sender.statuses) == {200: sent}
        worker.wait(lambda: sum(events_of(settings, f"person-{one}") for one in range(PEOPLE)) == sent)
        worker.stop()
        ingest.stop()
    records = [*read_to_end(settings, settings.events_click)]
    with Revealer.of(settings) as revealer:
        events = [orjson.loads(revealer.json((one.value or b"").decode())) for one in records]
    assert {one["event_id"] for one in events} == {f"turn-{number}" for number in range(sent)}
    assert all(one["customer_id"] == f"person-{int(one['event_id'].removeprefix('turn-')) % PEOPLE}" for one in events)
    assert len({one.key for one in records}) == PEOPLE
