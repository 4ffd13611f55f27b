"""What people, programs and other pages keep of a person: erased under all ids, and nobody writes it down again."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner

from stream.cli import main
from stream.cli.data_files import data_directory
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Identifiers, InteractionEvent
from stream.local.stack import LocalStack
from stream.projections.all_projections import PROJECTIONS
from stream.settings import Settings
from tests.cli.projecting import folded
from tests.privacy.canary import in_files, in_redis, publish
from tests.privacy.planted import IDENTIFIERS, PERSON, events, planted_in
from tests.privacy.watched import WatchedProcess, ask

pytestmark = pytest.mark.timeout(900)

EXAMPLES = Path(__file__).parents[2] / "examples"
SECOND = "canary-second-1d20"
NOTES = {
    "points": "canary-points-note-x",
    "decided by": "canary-decider-x",
    "labelled by": "canary-labeller-x",
    "recorded by": "canary-recorder-x",
    "note": "canary-action-note-x",
    "consent": "canary-consent-source-x",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, Path]]:
    """A shop that joins ids and runs all projections; what is kept for the user goes below the test's directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wanted = Settings(
        projections=",".join(PROJECTIONS),
        join_identities=True,
        identity_history_days=30,
        identity_key="k" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
    )
    with LocalStack(tmp_path / "servers", wanted, partitions=2) as running:
        settings = replace(
            running.settings,
            data_dir=str(tmp_path / "data"),
            offers_file=str(EXAMPLES / "offers.yaml"),
            points_file=str(EXAMPLES / "points.yaml"),
        )
        create_topics(settings)
        yield settings, tmp_path


def run(settings: Settings, *arguments: str) -> str:
    """What a command prints, which is of a person: whoever asks for one is told."""
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    assert result.exit_code == 0, result.output
    return result.stdout


def call(port: int, token: str, path: str, body: Any) -> tuple[int, bytes]:
    """Status and content of the API of the console."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1{path}", orjson.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def do_everything(settings: Settings) -> None:
    """All that people decide and note about a person by commands."""
    run(settings, "points", "give", PERSON, "5", "--note", NOTES["points"])
    run(settings, "identity", "merge", SECOND, PERSON, "--by", NOTES["decided by"])
    run(settings, "feedback", "label", "canary-feedback-event_id-x", "delivery", "--by", NOTES["labelled by"])
    said = ("--actor", NOTES["recorded by"], "--note", NOTES["note"])
    run(settings, "actions", "record", PERSON, "contacted", *said)
    run(settings, "consent", "grant", PERSON, "profiling", "--source", NOTES["consent"])
    run(settings, "offers", "--decide")
    for command in (("today",), ("leads",), ("points", PERSON), ("customer", PERSON), ("recommend", PERSON)):
        run(settings, *command)


def compare_policies(settings: Settings, directory: Path) -> None:
    """``stream whatif`` over the topics, which keeps what it has learned in the user's cache."""
    for name, raise_at in (("old", 0.7), ("new", 0.8)):
        (directory / f"{name}.yaml").write_text(yaml.safe_dump({"alerts": {"raise_at": raise_at}}))
    run(settings, "whatif", str(directory / "old.yaml"), str(directory / "new.yaml"))
    assert [*(directory / "cache" / "customer-stream" / "whatif").iterdir()]


def test_what_others_keep_of_a_person_is_exported_and_erased_for_good(shop: tuple[Settings, Path]) -> None:
    settings, tmp_path = shop
    now = time.time()
    second = ClickEvent(
        event_id="canary-second-event-x",
        customer_id=SECOND,
        occurred_at=now - 900,
        name="page_viewed",
        identifiers=Identifiers(card="canary-card-4411"),
    )
    refers = InteractionEvent(
        event_id="e-other", customer_id="other", occurred_at=now - 60, name="referred", referred_id=PERSON
    )
    publish(settings, *events(), second, refers)
    kept = [tmp_path / "servers" / "redis", data_directory(settings).path, tmp_path / "cache", tmp_path / "logs"]
    logs = tmp_path / "logs"
    logs.mkdir()
    run(settings, "directory", "run", "--once")
    token = run(settings, "console", "token", "add", "robot", "--scope", "act").strip().splitlines()[-1].split()[-1]
    reader = run(settings, "console", "token", "add", "reader").strip().splitlines()[-1].split()[-1]
    with WatchedProcess(settings, logs, "worker") as process, WatchedProcess(settings, logs, "directory", "run"):
        process.wait(lambda: folded(settings)["classification"] >= 2 and folded(settings)["identity"] >= 7)
        do_everything(settings)
        process.wait(lambda: folded(settings)["points"] >= 2)
        compare_policies(settings, tmp_path)
        with WatchedProcess(settings, logs, "console", "--port", "0") as console:
            port = int(console.found(r"console: http://[^/]+:(\d+)"))
            process.wait(lambda: PERSON.encode() in ask(port, "/customers", {"begins": "canary-"})[1])
            about = {"customer_id": PERSON}
            status, shown = call(port, reader, "/customers/lookup", about)
            assert status == 200, shown
            note = {**about, "action": "contacted", "note": NOTES["note"]}
            assert call(port, token, "/actions", note)[0] == 202

            run(settings, "privacy", "export", SECOND, "--output", str(tmp_path / "export"))
            exported = (tmp_path / "export" / "person.json").read_text("utf-8")
            missing = [text for text in (*NOTES.values(), "canary-second-event-x") if text not in exported]
            assert missing == []

            receipt = orjson.loads(run(settings, "privacy", "erase", SECOND, "--json"))
            assert len(receipt["pseudonyms"]) >= 2 + len(IDENTIFIERS)
            assert not any(receipt["left"].values())
            assert (in_redis(settings), in_files(*kept)) == ([], {})

            # pages and programs, which were open all the time, show nobody, and asking leaves no trace
            for page, form in (("/", None), ("/customers", None), ("/customers", {"begins": "o"}), ("/audit", None)):
                assert planted_in(ask(port, page, form)[1]) == [], page
            for one in (PERSON, SECOND):
                for path in ("/customers/lookup", "/customers/points", "/customers/recommendations"):
                    status, shown = call(port, reader, path, {"customer_id": one})
                    assert status >= 400 or planted_in(shown.replace(one.encode(), b"")) == [], path
                ask(port, "/customer", {"customer_id": one})
                ask(port, "/customer", {"who": one})
                status, refused = call(port, token, "/actions", {**note, "customer_id": one})
                assert (status, b"erased" in refused) == (400, True), refused
            assert (in_redis(settings), in_files(*kept)) == ([], {})
        assert process.planted() == []
