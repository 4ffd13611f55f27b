"""Feedback, folded by a process and shown by the command."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from confluent_kafka import Producer as Raw

from stream.cli.topics import create_topics
from stream.client import EmailEvent, FeedbackEvent, Producer
from stream.features.registry import FEATURES
from stream.local.stack import LocalStack
from stream.notifications.read_to_end import read_to_end
from stream.online_models.example import Label, encode_example
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from tests.cli.projecting import folded, projecting, run
from tests.stream_process import StreamProcess

pytestmark = pytest.mark.timeout(180)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
#: By customer, so that several partitions have a part.
SCORES = {"c-1": 10, "c-2": 9, "c-3": 9, "c-4": 8, "c-5": 2}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(projections="satisfaction,ratings,surveys,complaints,texts,classification,consents")
    with LocalStack(tmp_path_factory.mktemp("stack"), settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def alerted(settings: Settings) -> list[tuple[str, str, str]]:
    alerts = [orjson.loads(record.value or b"") for record in read_to_end(settings, settings.alerts)]
    return [(alert["kind"], alert["cause"], alert["customer_id"]) for alert in alerts]


def publish_labels(settings: Settings, customer: str, purchases: list[int]) -> None:
    """Labels of horizons of four weeks, each of which begins where the one before ends."""
    producer = Raw(settings.librdkafka())
    length_ms = 28 * 86_400_000
    for k, number in enumerate(purchases):
        at_ms = round(AT.timestamp() * 1000) + k * length_ms
        label = Label(
            example_id=f"{customer}@{at_ms}",
            customer_id=customer,
            at_ms=at_ms,
            matured_at_ms=at_ms + length_ms,
            x=[0] * len(FEATURES),
            risk=None,
            model_version=0,
            churned=number == 0,
            purchases=number,
            spend=10.0 * number,
        )
        producer.produce(settings.training_examples, encode_example(label), customer)
    assert producer.flush(30) == 0


def _says_what_it_agrees_to(stack: Settings, process: StreamProcess) -> None:
    for words in (
        ("withdraw", "c-1", "marketing", "--channel", "email", "--source", "call", "--by", "ann"),
        ("grant", "c-1", "profiling", "--version", "3", "--by", "ann"),
    ):
        status, output = run(stack, "consent", *words)
        assert (status, "recorded: c-1 has" in output) == (0, True), output
    with Producer(stack) as producer:
        producer.publish(EmailEvent(event_id="e-1", customer_id="c-2", occurred_at=AT, name="unsubscribed"))
    process.wait(lambda: folded(stack)["consents"] >= 3)
    status, output = run(stack, "consent", "show", "c-1", "--json")
    told = orjson.loads(output)
    assert (status, told["default"], told["allowed"]["marketing"]) == (0, "opt-out", {"all": True, "email": False})
    (said,) = told["said"]["marketing/email"]
    assert (said["is_withdrawn"], said["source"]) == (True, "call, stream consent by ann")
    assert told["said"]["profiling"][0]["version"] == "3"
    status, output = run(stack, "consent", "show", "c-2")
    assert (status, "marketing: allowed, by email refused" in output, "email unsubscribed" in output) == (0, True, True)
    strict = replace(stack, consent_default="opt-in")
    status, output = run(strict, "consent", "show", "c-3")
    assert (status, "service: allowed" in output, "profiling: refused" in output) == (0, True, True), output
    with ConsentDesk(stack) as desk:
        consented = desk.everybody()
        assert {one: bool(consented.of(one).said) for one in ("c-1", "c-2", "c-3")} == {
            "c-1": True,
            "c-2": True,
            "c-3": False,
        }
        assert desk.read(["c-1", "c-2", "c-3"]).of("c-1") == consented.of("c-1")


def _shows_a_survey(stack: Settings) -> None:
    status, output = run(stack, "feedback", "--survey", "s-1", "--json")
    told = orjson.loads(output)
    figures = [(one["of"], one["scale"], one["answers"], one["value"]) for one in told["figures"]]
    assert (status, figures[0]) == (0, ("all", "nps", 1, 1.0 if SCORES["c-1"] > 8 else -1.0))
    assert {one["of"]: (one["asked"], one["share"]) for one in told["unanswered"]}["all"] == (4, 0.75)
    status, output = run(stack, "feedback", "--survey", "s-2")
    assert (status, "in the survey s-2" in output) == (1, True), output
    assert run(stack, "feedback", "--survey", "s-1", "--product", "p-7")[0] == 2


def test_what_customers_say_is_folded_and_shown_by_month_and_channel(stack: Settings, tmp_path: Path) -> None:
    assert run(stack, "feedback")[0] == 1
    with Producer(stack) as producer:
        for customer, score in SCORES.items():
            producer.publish(
                FeedbackEvent(
                    event_id=f"f-{customer}",
                    customer_id=customer,
                    occurred_at=AT,
                    name="rated",
                    scale="nps",
                    value=score,
                    channel="web",
                    survey_id="s-1" if customer == "c-1" else None,
                    product_id="p-7" if score > 8 else None,
                )
            )
        for customer in ("c-1", "c-2", "c-8", "c-9"):
            producer.publish(
                FeedbackEvent(
                    event_id=f"a-{customer}",
                    customer_id=customer,
                    occurred_at=AT - timedelta(days=1),
                    name="asked",
                    survey_id="s-1",
                    channel="email",
                )
            )
        producer.publish(FeedbackEvent(event_id="f-6", customer_id="c-5", occurred_at=AT, name="complained"))
    with projecting(stack, tmp_path / "worker.log") as process:
        # of ratings, three are of a product as well, and one of a survey
        expected = {"activity": 0, "satisfaction": 6, "ratings": 10, "surveys": 5, "complaints": 1}
        process.wait(lambda: expected.items() <= folded(stack).items())
        status, output = run(stack, "feedback", "--json")
        assert status == 0, output
        told = orjson.loads(output)
        first = told["figures"][0]
        # three promoters and a detractor of five
        assert (first["of"], first["scale"], first["answers"], first["value"]) == ("all", "nps", 5, pytest.approx(0.4))
        assert [one["of"] for one in told["figures"]] == [
            *["all", "all", "2026-01", "2026-01", "survey s-1", "survey s-1", "by no channel", "by web", "by web"],
            *["about p-7", "about p-7"],
        ]
        assert [one["scale"] for one in told["figures"]][:2] == ["nps", "satisfaction"]
        # four of the shop's customers were asked by mail, and c-1 has answered
        unanswered = {one["of"]: (one["asked"], one["share"]) for one in told["unanswered"]}
        assert unanswered == dict.fromkeys(("all", "2026-01", "survey s-1", "by email"), (4, 0.75))
        assert told["kinds"] == {"rated": 5, "complained": 1}
        status, output = run(stack, "feedback")
        assert (status, "+40" in output, "1 complained, 5 rated" in output) == (0, True, True), output
        status, output = run(stack, "feedback", "--product", "p-7", "--json")
        assert (status, orjson.loads(output)["figures"][0]["value"]) == (0, 1.0)
        assert run(stack, "feedback", "--product", "p-8")[0] == 1
        _shows_a_survey(stack)
        assert run(stack, "feedback", "loyalty")[0] == 1
        publish_labels(stack, "c-1", [4, 1])
        status, output = run(stack, "feedback", "loyalty", "--json")
        assert status == 0, output
        told = orjson.loads(output)
        # the one order of the last horizon is a quarter of those before it
        assert (told["is_learned"], told["rate"], told["checked"]["labels"]) == (False, 0.25, 1)
        (one,) = told["customers"]
        assert (one["customer_id"], one["formula"], one["learned"], one["orders"]) == ("c-1", 0.55, 0.25, 1)
        status, output = run(stack, "feedback", "loyalty", "--customer", "c-1")
        assert (status, "by the formula" in output, "not learned yet" in output) == (0, True, True), output
        assert run(stack, "feedback", "loyalty", "--customer", "c-2")[0] == 1
        status, output = run(stack, "projections", "show", "satisfaction", "c-5")
        opinion = orjson.loads(output)
        assert (status, opinion["total"], opinion["complaints"]) == (0, pytest.approx(0.2), 1)
        status, output = run(stack, "projections", "show", "complaints", "c-5")
        assert (status, [*orjson.loads(output)["open"]]) == (0, ["f-6"])
        assert alerted(stack) == [("complaint.open", "event", "c-5")]
        _says_what_it_agrees_to(stack, process)
        # the clock of this stack is that of the events
        later = AT + timedelta(hours=25)
        with Producer(stack) as producer:
            producer.publish(FeedbackEvent(event_id="f-7", customer_id="c-5", occurred_at=later, name="suggested"))
        process.wait(lambda: len(alerted(stack)) >= 2)
        assert alerted(stack) == [("complaint.open", "event", "c-5"), ("complaint.open", "silence", "c-5")]
        process.stop()


def test_what_customers_write_is_classified_and_corrected(
    stack: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: dict[str, tuple[Literal["reviewed", "suggested", "asked"], str]] = {
        "w-1": ("reviewed", "I love it, it is great"),
        "w-2": ("suggested", "the zipper is terrible, write to ann@example.com"),
        "w-3": ("asked", "where is my parcel"),
    }
    with Producer(stack) as producer:
        for number, (event_id, (name, text)) in enumerate(words.items()):
            producer.publish(
                FeedbackEvent(
                    event_id=event_id, customer_id=f"w-c-{number}", occurred_at=AT, name=name, text=text, channel="web"
                )
            )
    with projecting(stack, tmp_path / "worker.log") as process:

        def wait_for(*arguments: str, until: Callable[[Any], bool]) -> Any:
            found: list[Any] = []

            def is_there() -> bool:
                status, output = run(stack, *arguments, "--json")
                found[:] = [orjson.loads(output)] if status == 0 else []
                return bool(found) and until(found[0])

            process.wait(is_there)
            return found[0]

        texts = wait_for("feedback", "texts", until=lambda told: all(one["judged"] for one in told))
        moods = {one["event_id"]: one["judged"]["mood"].get("decided") for one in texts}
        assert (moods["w-1"], moods["w-2"]) == ("positive", "negative")
        assert "write to [email]" in {one["text"] for one in texts if one["event_id"] == "w-2"}.pop()
        assert run(stack, "feedback", "label", "nothing", "delivery")[0] == 1
        status, output = run(stack, "feedback", "label", "w-3", "delivery", "--by", "ann")
        assert status == 0, output
        told = wait_for(
            "feedback", until=lambda told: "delivery" in told.get("texts", {}).get("categories", {}).get("2026-01", {})
        )
        assert told["texts"]["categories"] == {"2026-01": {"": 2, "delivery": 1}}
        assert told["texts"]["category_tested"] == {"labels": 1, "abstained": 1}
        status, output = run(stack, "feedback", "texts", "--undecided")
        assert (status, "w-1" in output, "w-3" in output) == (0, True, False)
        status, output = run(stack, "feedback", "themes")
        assert (status, "delivery" in output, "where is my parcel" in output) == (0, True, True), output
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        status, output = run(stack, "feedback", "themes", "--week", "2026-01-05", "--json")
        monkeypatch.undo()
        time.tzset()
        # the week of the named day in the shop's time zone; when that day begins, UTC is still in the week before
        assert (status, orjson.loads(output)["week"]) == (0, "2026-01-05")
        status, output = run(stack, "feedback")
        assert (status, "mood of texts" in output, "delivery" in output) == (0, True, True), output
        assert run(stack, "projections", "erase", "classification", "w-c-2")[0] == 0
        assert run(stack, "projections", "show", "classification", "w-c-2")[0] == 1
        assert run(stack, "projections", "show", "classification", "w-c-1")[0] == 0
        process.stop()
