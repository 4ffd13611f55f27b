"""Who is who, from events and decisions through a process that is killed meanwhile, as the commands show it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import redis
from click.testing import CliRunner

from stream.cli import main
from stream.cli.console_operations import ShopOperations
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Identifiers, Producer
from stream.errors import SettingsError
from stream.identity.sealing import Sealer
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.cli.projecting import projecting, run
from tests.stream_process import StreamProcess

pytestmark = pytest.mark.timeout(180)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(projections="identity", identity_key="k" * 32, session_timeout_s=6.0, heartbeat_s=1.0)
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def publish(settings: Settings, event_id: str, customer_id: str, **identifiers: str) -> None:
    with Producer(settings) as producer:
        producer.publish(
            ClickEvent(
                event_id=event_id,
                customer_id=customer_id,
                occurred_at=AT,
                name="page_viewed",
                identifiers=Identifiers(**identifiers),
            )
        )


def ids_of(settings: Settings, one: str) -> set[str]:
    status, output = run(settings, "identity", "show", one, "--json")
    return set(orjson.loads(output)["ids"]) if status == 0 else set()


def the_console_shows_and_decides(settings: Settings, process: StreamProcess, tablet: str) -> None:
    shown = ShopOperations(settings)
    found = shown.identities("c-2")
    assert (found.customer, [one.customer_id for one in found.linked]) == ("c-2", [tablet])
    assert [(one.customer_id, "taken apart" in one.why) for one in found.apart] == [("c-1", True)]
    assert [(one.customer_id, one.agreeing) for one in found.likely] == [("c-7", "name 93 %, address 0 %, same email")]
    assert shown.id_of("ode, anne") == "c-7"
    shown.decide_identity("merge", "c-7", "c-2", "eve")
    process.wait(lambda: [one.customer_id for one in shown.identities("c-2").linked] == [tablet, "c-7"])
    assert shown.identities("c-7").customer == "c-2"
    assert shown.identities("c-2").likely == []
    with pytest.raises(SettingsError, match="each tell a person"):
        shown.decide_identity("merge", "guest", "c-2", "eve")
    shown.decide_identity("unmerge", "c-7", "c-2", "eve")
    process.wait(lambda: [one.customer_id for one in shown.identities("c-2").linked] == [tablet])


def the_trail_has_all_that_was_told(settings: Settings, tablet: str) -> None:
    """Also the decision that a later one has replaced."""
    status, output = run(settings, "identity", "why", "c-2", "--trail")
    assert status == 0, output
    told = output.partition("told, in this order:\n")[2].splitlines()
    decided = [line.strip().partition(" ")[2] for line in told if " identified " not in line]
    assert [line.partition(", by ")[0] for line in decided] == ["merge c-2 into c-1", "unmerge c-2 and c-1"]
    assert decided[0].partition(", by ")[2].startswith("bob (bob-")
    assert [line for line in told if line.endswith(f" identified c-2 and {tablet}, by the event e-3")]


def test_a_person_is_joined_merged_and_taken_apart_across_a_kill(stack: Settings, tmp_path: Path) -> None:
    sealer = Sealer.of(stack)
    email, cookie, tablet = (
        f"{kind}:{sealer.token(kind, text)}"
        for kind, text in (("email", "ann@example.com"), ("anonymous_id", "a-1"), ("anonymous_id", "a-2"))
    )
    log = tmp_path / "worker.log"
    publish(stack, "e-1", "", anonymous_id="a-1")
    publish(stack, "e-2", "c-1", anonymous_id="a-1", email="Ann@Example.com")
    publish(stack, "e-3", "c-2", anonymous_id="a-2")
    assert run(stack, "identity", "show", "c-1")[0] == 1
    with projecting(stack, log) as process:
        process.wait(lambda: ids_of(stack, "email:ann@example.com") == {"c-1", email, cookie})
        process.wait(lambda: ids_of(stack, "c-2") == {"c-2", tablet})
        process.kill()
    # while nobody reads
    publish(stack, "e-4", "c-2", email="ann@example.com")
    status, output = run(stack, "identity", "merge", "c-2", "c-1", "--by", "bob")
    assert status == 0, output
    with projecting(stack, log) as process:
        process.wait(lambda: ids_of(stack, "c-2") == {"c-1", "c-2", email, cookie, tablet})
        status, output = run(stack, "identity", "show", "anonymous_id:a-2")
        assert (status, output.splitlines()[0]) == (0, "c-1")
        status, output = run(stack, "identity", "why", "c-2")
        assert (status, "merged" in output, "(bob-" in output) == (0, True, True), output

        assert run(stack, "identity", "unmerge", "c-2", "c-1")[0] == 0
        process.wait(lambda: ids_of(stack, "c-2") == {"c-2", tablet})
        # the address was seen with the other customer first, so it stays there
        assert ids_of(stack, "c-1") == {"c-1", email, cookie}
        status, output = run(stack, "identity", "why", "c-2")
        assert (status, "taken apart" in output, "joins nothing: two customers" in output) == (0, True, True), output
        the_trail_has_all_that_was_told(stack, tablet)
        # the two were taken apart, so they are no longer suggested
        ann = Contact(name="Ann Ode", email="ann@example.com", address="3 Mill Lane, Bath BA1 1AA")
        with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
            contacts.add([("c-1", ann), ("c-2", ann), ("c-7", Contact(name="Ode, Anne", email="Ann@example.com"))])
        suggest = ("identity", "suggest", "--data-dir", str(tmp_path))
        status, output = run(stack, *suggest, "--json")
        pairs = {(one["one"], one["other"]) for one in orjson.loads(output)}
        assert (status, pairs) == (0, {("c-1", "c-7"), ("c-2", "c-7")})
        first = run(stack, *suggest, "--limit", "1")[1].splitlines()[0]
        assert first == "c-1 and c-7: name 93 %, address 0 %, same email"
        the_console_shows_and_decides(replace(stack, data_dir=str(tmp_path)), process, tablet)

        assert orjson.loads(run(stack, "identity", "shared", "--json")[1]) == []
        for number in range(3, 6):
            publish(stack, f"e-{number + 2}", f"c-{number}", anonymous_id="a-2")
        process.wait(lambda: run(stack, "identity", "shared")[1] == f"{tablet}: c-2, c-3, c-4, c-5\n")

        # each id of a person is erased on its own; nothing of it stays, not even in the records of linked ids
        for one in (email, cookie, "c-1", "c-2"):
            status, output = run(stack, "projections", "erase", "identity", one)
            assert status == 0, output
        with redis.Redis.from_url(stack.redis_url) as client:
            keys = [*client.scan_iter("*:projection:identity.*:state:*")]
            # an empty value is a key that is about to expire
            stored = [key + value for key in keys if (value := client.get(key))]
        tokens = [email.partition(":")[2], cookie.partition(":")[2], '"c-1"', '"c-2"', "state:c-1", "state:c-2"]
        assert stored
        assert [state for state in stored if any(token.encode() in state for token in tokens)] == []
        process.stop()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("merge", "guest", "c-1"), 2, "each tell a person"),
        (("merge", "c-1", "c-1"), 2, "each tell a person"),
        (("show", "email:ann"), 2, "this is none"),
        (("why", "c-99"), 1, "nothing links c-99"),
    ],
)
def test_impossible_decisions_are_refused_with_the_reason(
    stack: Settings, arguments: tuple[str, ...], status: int, told: str
) -> None:
    found = run(stack, "identity", *arguments)
    assert (found[0], told in found[1]) == (status, True), found[1]


def test_without_a_key_an_identifier_in_clear_is_not_looked_for() -> None:
    result = CliRunner().invoke(
        main, ["identity", "show", "email:ann@example.com"], env={"STREAM_REDIS_URL": "redis://x"}
    )
    assert (result.exit_code, "STREAM_IDENTITY_KEY" in result.output) == (2, True)
