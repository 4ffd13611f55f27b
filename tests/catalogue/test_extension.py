"""A shop's own event type, channel and features, declared in an installed package, through the whole path.

Nothing of the program is edited. Commands run in processes of their own: what is declared is compiled into the kernel.
"""

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import jsonschema
import msgspec
import pytest
import yaml

from stream.catalogue.extension import GROUP
from stream.events.kinds import EventKind
from tests.catalogue.repack import Answer, Heard, Task, answer
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.record import record_of

#: Kernels are compiled anew, on a machine that does other things as well.
COMPILE_S = 600.0
DAY_MS = 86_400_000
BEGIN_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
SPEAK = """
from stream.alerts.sentences import change_sentence, sentence
print(sentence("complaints_28d", {"complaints_28d": 2.0}, is_high=True))
print(change_sentence("visits_7d", 3.0, 0.0))
"""
ADDED = {"complaints_28d", "visits_7d", "visits_28d"}


class Told(NamedTuple):
    """An event of the log. ``event``: as the oracle knows it, None for a visit."""

    customer: str
    at: int
    name: str
    event: Event | None
    native: dict[str, Any]


def _log() -> list[Told]:
    """Half a year of six customers, each of whom begins with an order."""
    random = Random(14)
    told = []
    kinds = (
        EventKind.EMAIL_COMPLAINED,
        EventKind.EMAIL_OPENED,
        EventKind.PRODUCT_ADDED,
        EventKind.PAGE_VIEWED,
        EventKind.ORDER_COMPLETED,
        None,
        None,
    )
    for customer in (f"c-{k}" for k in range(6)):
        times = sorted({random.randrange(1, 180 * 24 * 60) * 60_000 for _ in range(60)})
        for k, at in enumerate([0, *times]):
            kind = EventKind.ORDER_COMPLETED if k == 0 else random.choice(kinds)
            event_id, moment = f"{customer}-{k}", BEGIN_MS + at
            if kind is None:
                name = random.choice(("entered", "entered", "left"))
                native = {
                    "event_id": event_id,
                    "customer_id": customer,
                    "occurred_at": (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment)).isoformat(),
                    "name": name,
                    "place": "Main Street",
                }
                told.append(Told(customer, moment, name, None, native))
                continue
            is_order = kind is EventKind.ORDER_COMPLETED
            event = Event(event_id, kind, moment, f"o-{event_id}" if is_order else "", 250_000 if is_order else 0)
            told.append(Told(customer, moment, kind.name, event, json.loads(record_of(customer, event).value or b"")))
    return sorted(told, key=lambda one: one.at)


@pytest.fixture(scope="module")
def log() -> list[Told]:
    return _log()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for packages with the shop's own, as `pip install` leaves it."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "shop_catalogue.py").write_bytes((Path(__file__).parent / "shop_catalogue.py").read_bytes())
    about = folder / "shop_catalogue-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-catalogue\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nshop = shop_catalogue:EXTENSION\n")
    return folder


def _run(installed: Path, *command: str, told: str = "") -> str:
    """The output of Python where the shop's package is installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
    done = subprocess.run(
        [sys.executable, *command],
        env={**environment, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])},
        input=told,
        capture_output=True,
        text=True,
        timeout=COMPILE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def documents(installed: Path, log: list[Told], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Customer documents of the log, folded by ``stream replay``."""
    folder = tmp_path_factory.mktemp("replay")
    source, target = folder / "log.jsonl", folder / "customers.jsonl"
    source.write_text("".join(f"{json.dumps(told.native)}\n" for told in log))
    _run(installed, "-m", "stream", "replay", str(source), "--customers", str(target), "--horizon-days", "30")
    found = [json.loads(line) for line in target.read_text().splitlines()]
    return {document["customer_id"]: document for document in found}


def _within(times: Sequence[int], now: int, days: int) -> int:
    """A window of whole days: the day of ``now`` and as many before it."""
    return sum(now // DAY_MS - days <= at // DAY_MS <= now // DAY_MS for at in times)


@pytest.mark.timeout(COMPILE_S)
def test_declared_features_count_what_the_log_says_and_all_others_are_as_before(
    documents: dict[str, dict[str, Any]], log: list[Told]
) -> None:
    by_customer: dict[str, list[Told]] = defaultdict(list)
    for told in log:
        by_customer[told.customer].append(told)
    assert set(documents) == set(by_customer)
    seen = dict.fromkeys(ADDED, 0)
    for customer, all_told in by_customer.items():
        document = documents[customer]
        now = round(datetime.fromisoformat(document["as_of"]).timestamp() * 1000)
        entered = [told.at for told in all_told if told.name == "entered"]
        complaints = [told.at for told in all_told if told.name == EventKind.EMAIL_COMPLAINED.name]
        expected: dict[str, float | None] = {
            **features_at([told.event for told in all_told if told.event is not None], now),
            "complaints_28d": _within(complaints, now, 28),
            "visits_7d": _within(entered, now, 7),
            "visits_28d": _within(entered, now, 28),
        }
        shown = {name: value for name, value in expected.items() if value is not None}
        found = document["features"]
        for name, value in shown.items():
            absent = {"email_open_rate": 1 / 5, "email_click_rate": 0.25 / 5}.get(name, 0.0)
            assert found.get(name, absent) == pytest.approx(value, abs=6e-5), f"{customer}: {name}"
        assert set(found) <= set(shown)
        assert document["events"] == len(all_told)
        for name in ADDED:
            seen[name] += found.get(name, 0)
    assert all(seen.values()), f"the log must show each of them: {seen}"


def test_the_contract_of_the_declared_type_is_published(installed: Path, log: list[Told], tmp_path: Path) -> None:
    _run(installed, "-m", "stream.cli.contracts", str(tmp_path))
    schema = json.loads((tmp_path / "visit-event.schema.json").read_text())
    visits = [told.native for told in log if told.event is None]
    jsonschema.validate(visits[0], schema)
    for change in ({"name": "opened"}, {"place": 7}, {"event_id": ""}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(visits[0] | change, schema)


def test_the_topic_of_the_declared_type_is_described(installed: Path, tmp_path: Path) -> None:
    page = tmp_path / "asyncapi.yaml"
    _run(installed, "-m", "stream.cli.asyncapi", str(page))
    described = yaml.safe_load(page.read_text())
    assert described["channels"]["events.visit"]["address"] == "events.visit"
    payload = described["components"]["messages"]["visit-event"]["examples"][0]["payload"]
    assert payload["place"] == "Main Street"


def test_declared_features_are_on_the_page_and_have_sentences(installed: Path, tmp_path: Path) -> None:
    page = tmp_path / "features.md"
    _run(installed, "-m", "stream.cli.feature_reference", str(page))
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| `")]
    assert {f"`{name}`" for name in ADDED} <= set(rows)
    spoken = _run(installed, "-c", SPEAK)
    assert spoken.splitlines() == ["2 complaints in the last 28 days.", "Visits in 7 days: 0 (was 3)."]


def _events(first_day: int, days: int) -> list[Heard]:
    """On each day a visit of the page, on every other one a complaint."""
    return [
        Heard(f"{kind.name}-{day}", kind.name, BEGIN_MS + day * DAY_MS + int(kind))
        for day in range(first_day, first_day + days)
        for kind in (EventKind.PAGE_VIEWED, EventKind.EMAIL_COMPLAINED)
        if kind is EventKind.PAGE_VIEWED or day % 2
    ]


def _never_had(events: list[Heard]) -> str:
    """The profile that a program without the channel packs of the whole log, in base64."""
    profile = Profile()
    profile.apply([Event(event_id, EventKind[kind], at) for event_id, kind, at in events])
    return b64encode(profile.packed()).decode()


@pytest.mark.timeout(COMPILE_S)
def test_a_channel_is_taken_into_use_and_given_up_with_the_state_that_is_stored(installed: Path) -> None:
    def with_channel(packed: str, events: list[Heard]) -> Answer:
        task = msgspec.json.encode(Task(packed, events, now)).decode()
        return msgspec.json.decode(_run(installed, "-m", "tests.catalogue.repack", told=task), type=Answer)

    now = BEGIN_MS + 20 * DAY_MS
    before, after = _events(0, 10), _events(10, 8)
    stored = _never_had(before)
    # before it is used, a channel takes no room
    assert with_channel(stored, []).packed == stored

    # what was counted before is as it was, and the channel begins at zero
    forward = with_channel(stored, after)
    whole = answer(Task(stored, after, now))
    assert whole.packed == _never_had(before + after)
    assert forward.values == {**whole.values, "complaints_28d": 4, "visits_7d": 0, "visits_28d": 0}
    # a section of 3 bytes, its number of channels, the channel's number and days, and 2 bytes a day
    assert len(b64decode(forward.packed)) == len(b64decode(whole.packed)) + 3 + 3 + 2 * 4
    # it is in the profile, not only in memory
    assert with_channel(forward.packed, []) == forward

    # a program without the channel leaves it out when it writes the customer; all else goes on
    back = answer(Task(forward.packed, [], now))
    assert back == whole
    assert with_channel(back.packed, []).values["complaints_28d"] == 0
