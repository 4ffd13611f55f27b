"""Redis' content seen from outside: damaged profiles are named, and an upgrade is finished."""

from base64 import b64encode

import orjson
from click.testing import CliRunner

from stream.cli import main
from stream.cli.findings import FindingLevel
from stream.cli.profile_scan import profile_findings
from stream.events.kinds import EventKind
from stream.features.codec import LAYOUT, LAYOUT_BEFORE
from stream.settings import Settings
from stream.storage.connection import Client
from stream.storage.keys import Keys
from stream.storage.profile_desk import ProfileDesk
from tests.features.lists_of_events import BEGIN
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.storage.redis_client import with_redis


def packed(customer: str, layout: int = LAYOUT) -> bytes:
    profile = Profile(customer)
    profile.apply([Event(f"view-{customer}", EventKind.PAGE_VIEWED, BEGIN)])
    return profile.packed(layout)


def document(state: bytes) -> bytes:
    return orjson.dumps({"state": b64encode(state).decode()})


def store(settings: Settings, documents: dict[str, bytes]) -> Keys:
    keys = Keys(settings.namespace)

    async def use(client: Client) -> None:
        for customer, content in documents.items():
            await client.set(keys.customer(0, customer), content)

    with_redis(settings.redis_url, use)
    return keys


def test_good_profiles_are_counted_by_layout(settings: Settings) -> None:
    store(settings, {"a:customer:b": document(packed("a:customer:b")), "c": document(packed("c", LAYOUT_BEFORE))})
    (finding,) = profile_findings(settings)
    assert finding.level is FindingLevel.OK
    assert finding.found == f"1 of layout {LAYOUT_BEFORE}, 1 of layout {LAYOUT}; all can be read"


def test_damaged_profiles_are_named(settings: Settings) -> None:
    flipped = bytearray(packed("flipped"))
    flipped[10] ^= 1
    keys = store(
        settings,
        {
            "good": document(packed("good")),
            "flipped": document(bytes(flipped)),
            "swapped": document(packed("somebody else")),
            "newer": document(bytes([LAYOUT + 1]) + packed("newer")[1:]),
            "text": b"no document",
            "edition": b'{"edition":{"number":"three"},"state":"AAAA"}',
        },
    )

    async def use(client: Client) -> None:
        await client.lpush(keys.customer(0, "list"), "x")

    with_redis(settings.redis_url, use)
    summary, *damaged = profile_findings(settings)
    assert (summary.level, summary.found) == (FindingLevel.FAIL, f"1 of layout {LAYOUT}; 6 cannot be read")
    named = ("flipped", "swapped", "newer", "text", "edition", "list")
    assert {finding.subject for finding in damaged} == {keys.customer(0, name) for name in named}
    assert {finding.level for finding in damaged} == {FindingLevel.FAIL}


def upgrade(settings: Settings, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["upgrade", *arguments], env=settings.to_env())
    return done.exit_code, done.output


def test_an_upgrade_is_shown_and_finished(settings: Settings) -> None:
    keys = Keys(settings.namespace)

    def note(layout: int) -> None:
        async def use(client: Client) -> None:
            await client.set(keys.profile_layout(), layout)

        with_redis(settings.redis_url, use)

    assert "no worker has run yet" in upgrade(settings)[1]
    note(LAYOUT_BEFORE)
    assert "stream upgrade --finish" in upgrade(settings)[1]
    with ProfileDesk(settings) as desk:
        assert desk.layout_in_use() == LAYOUT_BEFORE
        assert upgrade(settings, "--finish")[0] == 0
        assert desk.layout_in_use() == LAYOUT
    assert "no upgrade is under way" in upgrade(settings, "--finish")[1]
    note(LAYOUT + 1)
    status, output = upgrade(settings)
    assert (status, "use the newer release" in output) == (1, True)
