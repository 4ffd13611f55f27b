"""A shop's own event type, channel and features, declared in an installed package, through the whole path.

No file of the program is edited. Commands run in processes of their own, because declarations are compiled into the
kernel. The order of features differs there (`tests.catalogue.installation`), which must not change any result.
"""

import json
import math
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from stream.catalogue import extension
from stream.catalogue.declaring import Channel, Extension
from stream.catalogue.features import FEATURES
from stream.events.kinds import EventKind
from stream.features.registry import FEATURE_NAMES
from stream.online_models.example import encode_example
from stream.online_models.snapshot import decode_snapshot
from tests.catalogue.installation import COMPILE_S, installed_in, reordered_in, run
from tests.catalogue.repack import Heard, RepackAnswer, RepackTask, answer
from tests.catalogue.shop_log import BEGIN_MS, DAY_MS, Told, shop_log
from tests.catalogue.whole_path import Folded, Folding, Learned, Learning, LoggedRecord, folded, learned
from tests.features.profiles import Profile
from tests.online_models.component_states import seen
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.made_up import made_up
from tests.oracle.record import record_of, type_of

SPEAK = """
from stream.alerts.sentences import change_sentence, sentence
print(sentence("complaints_28d", {"complaints_28d": 2.0}, is_high=True))
print(change_sentence("visits_7d", 3.0, 0.0))
"""
ADDED = {"complaints_28d", "visits_7d", "visits_28d"}
#: Rounding: sums of some hundred products in another order, learned from a thousand times.
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def log() -> list[Told]:
    return shop_log()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_in(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def documents(installed: Path, log: list[Told], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Customer documents of the log, folded by ``stream replay``."""
    folder = tmp_path_factory.mktemp("replay")
    source, target = folder / "log.jsonl", folder / "customers.jsonl"
    source.write_text("".join(f"{json.dumps(told.native)}\n" for told in log))
    run(installed, "-m", "stream", "replay", str(source), "--customers", str(target), "--horizon-days", "30")
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
    run(installed, "-m", "stream.cli.contracts", str(tmp_path))
    schema = json.loads((tmp_path / "visit-event.schema.json").read_text())
    properties = schema["$defs"]["VisitEvent"]["properties"]
    assert properties["place"]["description"] == "which of the shops"
    visits = [told.native for told in log if told.event is None]
    jsonschema.validate(visits[0], schema)
    for change in ({"name": "opened"}, {"place": 7}, {"event_id": ""}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(visits[0] | change, schema)


def test_the_topic_of_the_declared_type_is_described(installed: Path, tmp_path: Path) -> None:
    page = tmp_path / "asyncapi.yaml"
    run(installed, "-m", "stream.cli.asyncapi", str(page))
    described = yaml.safe_load(page.read_text())
    assert described["channels"]["events.visit"]["address"] == "events.visit"
    payload = described["components"]["messages"]["visit-event"]["examples"][0]["payload"]
    assert payload["place"] == "Main Street"


def test_declared_features_are_on_the_page_and_have_sentences(installed: Path, tmp_path: Path) -> None:
    page = tmp_path / "features.md"
    run(installed, "-m", "stream.cli.feature_reference", str(page))
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| `")]
    assert {f"`{name}`" for name in ADDED} <= set(rows)
    spoken = run(installed, "-c", SPEAK)
    assert spoken.splitlines() == ["2 complaints in the last 28 days.", "Visits in 7 days: 0 (was 3)."]


def _events(first_day: int, days: int) -> list[Heard]:
    """A page view every day and a complaint every other day."""
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
    def with_channel(packed: str, events: list[Heard]) -> RepackAnswer:
        task = msgspec.json.encode(RepackTask(packed, events, now)).decode()
        return msgspec.json.decode(run(installed, "-m", "tests.catalogue.repack", stdin=task), type=RepackAnswer)

    now = BEGIN_MS + 20 * DAY_MS
    before, after = _events(0, 10), _events(10, 8)
    stored = _never_had(before)
    # an unused channel takes no room
    assert with_channel(stored, []).packed == stored

    # earlier counts are unchanged, and the channel begins at zero
    forward = with_channel(stored, after)
    whole = answer(RepackTask(stored, after, now))
    assert whole.packed == _never_had(before + after)
    assert forward.values == {**whole.values, "complaints_28d": 4, "visits_7d": 0, "visits_28d": 0}
    # a section of 3 bytes, its number of channels, the channel's number and days, and 2 bytes a day
    assert len(b64decode(forward.packed)) == len(b64decode(whole.packed)) + 3 + 3 + 2 * 4
    # the count is in the profile, not only in memory
    assert with_channel(forward.packed, []) == forward

    # a program without the channel drops it when it writes the customer, and keeps everything else
    back = answer(RepackTask(forward.packed, [], now))
    assert back == whole
    assert with_channel(back.packed, []).values["complaints_28d"] == 0


def test_a_stored_profile_is_read_by_a_program_whose_features_are_in_another_order(installed: Path) -> None:
    """There the shop's features stand among the others, and every feature has another column."""
    profile = Profile()
    profile.apply([Event("first", EventKind.PAGE_VIEWED, BEGIN_MS)])
    frozen = [
        {name: 100 * day + column + 1 for column, name in enumerate(FEATURE_NAMES) if column % 3 == day}
        for day in range(3)
    ]
    for day, inputs in enumerate(frozen):
        profile.freeze(BEGIN_MS + day * DAY_MS, inputs)
    packed = b64encode(profile.packed()).decode()
    task = msgspec.json.encode(RepackTask(packed, [], BEGIN_MS)).decode()
    there = msgspec.json.decode(run(installed, "-m", "tests.catalogue.repack", stdin=task), type=RepackAnswer)
    assert there.pending == frozen
    # and this program reads the profiles of that one
    assert Profile.of(b64decode(there.packed)).pending() == frozen


def test_a_package_with_a_number_of_the_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in (Extension(channels=(Channel("visit", 4),)), Extension(features=(FEATURES[3],))):
        monkeypatch.setattr(extension, "_installed", lambda part=part: ((part, None),))
        with pytest.raises(ValueError, match="of packages have numbers from 48 to 63"):
            extension.extended.__wrapped__()


@pytest.fixture(scope="module")
def examples() -> list[str]:
    """Examples from which models are learned."""
    return _encoded(1_200)


def _encoded(count: int) -> list[str]:
    return [encode_example(example).decode() for example in seen(1, count)]


def _differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """The places where two contents differ by more than rounding."""
    if isinstance(found, dict) and isinstance(wanted, dict) and found.keys() == wanted.keys():
        return [line for name in found for line in _differences(found[name], wanted[name], f"{path}.{name}")]
    if isinstance(found, list | tuple) and isinstance(wanted, list | tuple) and len(found) == len(wanted):
        pairs = enumerate(zip(found, wanted, strict=True))
        return [line for k, (one, other) in pairs for line in _differences(one, other, f"{path}.{k}")]
    if isinstance(found, float) and isinstance(wanted, float):
        return [] if math.isclose(found, wanted, rel_tol=ROUNDING, abs_tol=ROUNDING) else [f"{path}: {found}, {wanted}"]
    return [] if found == wanted else [f"{path}: {found}, {wanted}"]


def _models(made: Learned) -> Any:
    """The published models as this program reads them."""
    return msgspec.json.decode(msgspec.json.encode(decode_snapshot(b64decode(made.snapshot))))


def _is_another_order(features: list[str]) -> bool:
    return sum(one == other for one, other in zip(features, FEATURE_NAMES, strict=False)) < len(FEATURE_NAMES) / 4


@pytest.mark.timeout(COMPILE_S)
def test_the_order_of_features_changes_no_document_score_or_alert(installed: Path) -> None:
    """Without a visit or a complaint the features of the shop stay at zero, and no model knows them."""
    made = made_up(11, customers=30, days=150, events=1_200)
    events = [(customer, event) for customer, of_customer in made.events.items() for event in of_customer]
    entries = [
        LoggedRecord(type_of(event).value, customer, (record_of(customer, event).value or b"").decode(), event.at)
        for customer, event in sorted(events, key=lambda told: told[1].at)
    ]
    # so many that segments are stable and take over
    task = Folding(entries, learned(Learning(_encoded(4_200))).snapshot)
    here = folded(task)
    told = run(installed, "-m", "tests.catalogue.whole_path", stdin=msgspec.json.encode(task).decode())
    there = msgspec.json.decode(told, type=Folded)
    assert set(there.features) == {*FEATURE_NAMES, *ADDED}
    assert _is_another_order(there.features)
    for *_, content in there.published:
        assert not any(content.pop("others", {}).values())
    assert _differences(there.documents, here.documents) == []
    assert _differences(there.published, here.published) == []
    assert {topic for topic, *_ in here.published} >= {"alerts", "segment-changes", "training-examples"}
    assert all("risk" in document for document in here.documents.values())


def test_models_learn_the_same_in_another_order_of_features_and_checkpoints_go_there_and_back(
    examples: list[str], tmp_path: Path
) -> None:
    elsewhere, kernels = reordered_in(tmp_path), tmp_path / "kernels"

    def learned_there(task: Learning) -> Learned:
        told = msgspec.json.encode(task).decode()
        told = run(elsewhere, "-m", "tests.catalogue.whole_path", stdin=told, kernels=kernels)
        return msgspec.json.decode(told, type=Learned)

    whole = learned(Learning(examples))
    there = learned_there(Learning(examples))
    assert sorted(there.features) == sorted(FEATURE_NAMES)
    assert _is_another_order(there.features)
    assert _models(whole)["churn"]["ready"]
    assert _differences(_models(there), _models(whole)) == []
    begun = learned(Learning(examples[:500]))
    moved = learned_there(Learning(examples[500:900], begun.checkpoint))
    assert _differences(_models(learned(Learning(examples[900:], moved.checkpoint))), _models(whole)) == []
