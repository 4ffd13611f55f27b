"""Laws that hold for every adapter, checked with its samples."""

import contextlib
import json
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.adapters import ADAPTER_NAMES, TABLES, Adapter, Call, Ignored, Malformed, Native, SamePerson, adapters_of
from stream.adapters.json_fields import MalformedError
from stream.catalogue.identifiers import CUSTOMER, IDENTIFIERS
from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import LinkRecord
from stream.client.link_contract import LinkContract
from stream.events.kinds import KIND_OF
from stream.events.model import CONTRACT_OF
from stream.events.rejections import Rejection
from stream.settings import Settings
from tests.adapters.calls import NOW_MS
from tests.adapters.samples import PERSONAL, Sample, changed, without
from tests.adapters.samples_feedback import FEEDBACK
from tests.adapters.samples_mail import MAIL
from tests.adapters.samples_shops import SHOPS

SAMPLES = {sample.name: sample for sample in (*SHOPS, *MAIL, *FEEDBACK)}
CONTRACT = EventContract(Settings())
JOINING: dict[str, Any] = {"identity_key": "k" * 32}
LINKS = LinkContract(Settings(**JOINING))
#: Adapters with calls of another form: they have tests of their own.
APART = {"segment", "cloudevents", "ses"}

ROWS = [(sample, row) for sample in SAMPLES.values() for row in sample.calls]
LINK_ROWS = [(sample, row) for sample in SAMPLES.values() for row in sample.links]
SIGNED = [sample for sample in SAMPLES.values() if sample.settings]
HOUR_S = 3600
UNREADABLE = (b"", b"{", b"\xff\xfe\x00", '{"a": "é"}'.encode("latin-1"), '{"a": 1}'.encode("utf-16"), b"[" * 5000)


def adapter(sample: Sample, **settings: Any) -> Adapter:
    return adapters_of(Settings(**sample.settings, **settings))[sample.name]


def natives(sample: Sample, call: Call) -> list[Native]:
    """The events of a call, of which all must be ones that workers accept."""
    found = adapter(sample).translate(call)
    events = [one for one in found if isinstance(one, Native)]
    assert [one for one in found if isinstance(one, Malformed)] == []
    admitted = CONTRACT.admit([Draft(event.value(), event.event_type) for event in events], NOW_MS)
    assert admitted.rejections == []
    return events


def objection(sample: Sample, call: Call) -> str:
    """The endpoint's verdict: by the head first, without the body."""
    proof = adapter(sample).proof
    assert proof is not None
    return proof.by_head(call._replace(body=b"")) or proof.by_call(call)


def details(sample: Sample, call: Call) -> list[str]:
    """Why a call, or what is in it, cannot be used."""
    try:
        found = adapter(sample).translate(call)
    except MalformedError as error:
        return [str(error)]
    return [one.detail for one in found if isinstance(one, Malformed)]


def test_every_adapter_has_samples() -> None:
    assert {*SAMPLES, *APART} == {*ADAPTER_NAMES}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_every_row_has_a_sample_and_leads_to_an_event_of_ours(sample: Sample) -> None:
    rows = TABLES[sample.name].rows
    assert {*sample.calls} == {*rows}
    assert {*sample.links} == {*TABLES[sample.name].links}
    assert {(row.event_type, row.name) for row in rows.values()} <= {*KIND_OF}


@pytest.mark.parametrize(("sample", "row"), ROWS, ids=lambda part: getattr(part, "name", part))
def test_every_row_becomes_the_event_that_it_names(sample: Sample, row: str) -> None:
    expected = TABLES[sample.name].rows[row]
    told = [(event.event_type, event.fields["name"]) for event in natives(sample, sample.call(row))]
    assert (expected.event_type, expected.name) in told
    assert len(told) == 1 or row == "refund"


@pytest.mark.parametrize(("sample", "row"), ROWS, ids=lambda part: getattr(part, "name", part))
def test_an_event_holds_what_the_contract_names_and_nothing_of_the_person(sample: Sample, row: str) -> None:
    for event in natives(sample, sample.call(row)):
        assert {*event.fields} <= {*CONTRACT_OF[event.event_type].__struct_fields__}
        text = event.value().decode()
        assert [word for word in PERSONAL if re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE)] == []


@pytest.mark.parametrize(("sample", "row"), LINK_ROWS, ids=lambda part: getattr(part, "name", part))
def test_a_link_joins_ids_that_may_join_and_holds_no_identifier_in_clear(sample: Sample, row: str) -> None:
    expected = TABLES[sample.name].links[row]
    (told,) = adapter(sample, **JOINING).translate(sample.call(row))
    assert isinstance(told, SamePerson)
    assert (told.what, told.name) == (row, expected.name)
    assert {kind for kind, _ in told.ids} <= {CUSTOMER, *IDENTIFIERS}
    links = LINKS.admit(*told[1:])
    assert isinstance(links, list)
    assert links
    for link in links:
        assert [word for word in (*PERSONAL, "sparrow") if word.lower() in link.value.decode().lower()] == []
    assert adapter(sample, **JOINING).translate(sample.call(row)) == [told]


@pytest.mark.parametrize(("sample", "row"), LINK_ROWS, ids=lambda part: getattr(part, "name", part))
def test_addresses_link_nobody_when_the_settings_forbid_it(sample: Sample, row: str) -> None:
    (told,) = adapter(sample, **JOINING, ingest_email_customers="refuse").translate(sample.call(row))
    assert isinstance(told, SamePerson)
    assert "email" not in dict(told.ids)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_unknown_events_are_ignored_under_their_name(sample: Sample) -> None:
    # what tells of ids only means nothing where nothing is joined
    for what in (*sample.ignored, *sample.links):
        assert adapter(sample).translate(sample.call(what)) == [Ignored(what)]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_a_call_that_is_sent_again_has_the_same_ids_and_no_two_events_share_one(sample: Sample) -> None:
    ids = []
    for row in sample.calls:
        once, again = (
            [event.fields["event_id"] for event in natives(sample, sample.call(row, at_s=NOW_MS / 1000 - k))]
            for k in (0, HOUR_S)
        )
        assert once == again
        ids += once
    assert all(str(one).startswith(f"{sample.name}:") for one in ids)
    assert sample.shares_ids or len({*ids}) == len(ids)


def promised() -> Iterator[Any]:
    for sample in SAMPLES.values():
        for row, paths in sample.promised.items():
            for path in paths:
                yield pytest.param(sample, row, path, id=f"{sample.name}-{row}-{path}")


@pytest.mark.parametrize(("sample", "row", "path"), [*promised()])
def test_a_missing_field_that_the_provider_promises_is_named(sample: Sample, row: str, path: str) -> None:
    body = sample.calls[row]
    bare = {k: v for k, v in body.items() if k != path} if sample.form else without(body, path)
    (detail,) = details(sample, sample.call(row, body=bare))
    assert path.rpartition(".")[2] in detail


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
@pytest.mark.parametrize("content", [*UNREADABLE, b"null", b"17"])
def test_an_unreadable_call_is_refused_with_the_reason(sample: Sample, content: bytes) -> None:
    row = next(iter(sample.calls))
    found = details(sample, sample.call(row, body=content))
    assert found
    assert all(found)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_without_its_settings_no_call_can_be_verified(sample: Sample) -> None:
    assert adapters_of(Settings())[sample.name].proof is None


@pytest.mark.parametrize("sample", SIGNED, ids=lambda sample: sample.name)
def test_a_signed_call_is_genuine(sample: Sample) -> None:
    for row in sample.calls:
        assert objection(sample, sample.call(row)) == ""


@pytest.mark.parametrize("sample", SIGNED, ids=lambda sample: sample.name)
def test_without_a_signature_a_call_is_refused_by_its_head(sample: Sample) -> None:
    proof = adapter(sample).proof
    assert proof is not None
    assert "expected" in proof.by_head(Call({}, b"", NOW_MS))


@pytest.mark.parametrize("sample", SIGNED, ids=lambda sample: sample.name)
def test_a_changed_call_is_not_genuine(sample: Sample) -> None:
    call = sample.call(next(iter(sample.calls)))
    if sample.name != "postmark":
        assert "signature" in objection(sample, call._replace(body=call.body + (b"&x=1" if sample.form else b" ")))
    for name, value in sample.sign(call.body, NOW_MS / 1000).items():
        headers = {**call.headers, name: value[::-1]}
        assert objection(sample, call._replace(headers=headers)), name
        assert objection(sample, call._replace(headers={**call.headers, name: "é\udcff"})), name


# test_signatures has other keys of SendGrid
@pytest.mark.parametrize("sample", [one for one in SIGNED if one.name != "sendgrid"], ids=lambda sample: sample.name)
def test_a_call_signed_with_another_secret_is_refused(sample: Sample) -> None:
    call = sample.call(next(iter(sample.calls)))
    other: dict[str, Any] = {
        name: value if name in {"ingest_public_url", "ingest_postmark_username"} else f"{value[:-6]}AAAA=="
        for name, value in sample.settings.items()
    }
    proof = adapters_of(Settings(**other))[sample.name].proof
    assert proof is not None
    assert proof.by_call(call)


@pytest.mark.parametrize("sample", [one for one in SIGNED if one.tells_time], ids=lambda sample: sample.name)
def test_a_signature_that_tells_its_time_is_accepted_for_a_limited_time(sample: Sample) -> None:
    row, now_s = next(iter(sample.calls)), NOW_MS / 1000
    for age_s, expected in ((-290, ""), (26 * HOUR_S - 5, ""), (26 * HOUR_S + 5, "hours old"), (-310, "clocks")):
        found = objection(sample, sample.call(row, at_s=now_s - age_s))
        assert (expected in found) if expected else not found


def test_klaviyos_time_is_that_of_the_body() -> None:
    sample = SAMPLES["klaviyo"]
    for at, expected in (("2030-03-16T15:40:00+00:00", "hours old"), ("soon", "is none"), (None, "is none")):
        body = changed(sample.calls["opened_email"], "meta.timestamp", at)
        assert expected in objection(sample, sample.call("opened_email", body=body))
    other = changed(sample.calls["opened_email"], "meta.klaviyo_webhook_id", "another")
    assert "Klaviyo-Webhook-Id" in objection(sample, sample.call("opened_email", body=other))


def inside(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=8), values, max_size=2)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=120)
# two levels, and not as many as there may be: nothing that is drawn is thrown away for its size
json_values = scalars | inside(scalars | inside(scalars))


def judge(sample: Sample, call: Call) -> None:
    """Translate, and check the result against the contract, as the endpoint does."""
    with contextlib.suppress(MalformedError):
        for found in adapter(sample).translate(call):
            if isinstance(found, Native):
                admitted = CONTRACT.admit([Draft(found.value(), found.event_type)], NOW_MS)
                assert len(admitted.records) + len(admitted.rejections) == 1
        for found in adapter(sample, **JOINING).translate(call):
            if isinstance(found, SamePerson):
                links = LINKS.admit(*found[1:])
                assert isinstance(links, Rejection) or all(isinstance(link, LinkRecord) for link in links)


def paths_of(body: Any, prefix: str = "") -> Iterator[str]:
    children = enumerate(body) if isinstance(body, list) else body.items() if isinstance(body, dict) else ()
    for name, value in children:
        if "." not in str(name):
            if not isinstance(body, list):
                yield f"{prefix}{name}"
            yield from paths_of(value, f"{prefix}{name}.")


def changes_of(sample: Sample) -> st.SearchStrategy[tuple[str, list[tuple[str, Any]]]]:
    """A row of a provider, and what fields of its call are changed to."""
    rows = []
    for row, body in sorted({**sample.calls, **sample.links}.items()):
        paths = sorted(body) if sample.form else sorted(paths_of(body))
        values = st.text(max_size=20) if sample.form else json_values
        changes = st.lists(st.tuples(st.sampled_from(paths), values), max_size=3, unique_by=itemgetter(0))
        rows.append(st.tuples(st.just(row), changes))
    return st.one_of(rows)


#: Made once: to make them for each example takes longer than to draw from them.
CHANGES = {name: changes_of(sample) for name, sample in SAMPLES.items()}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
@given(drawn=st.data())
def test_any_change_of_a_sample_is_translated_or_refused(sample: Sample, drawn: st.DataObject) -> None:
    row, changes = drawn.draw(CHANGES[sample.name])
    body = {**sample.calls, **sample.links}[row]
    if sample.form:
        body = {**body, **dict(changes)}
        text = json.dumps(body)
        judge(sample, sample.call(row, body=body if text.isascii() else text.encode("utf-8", "replace")))
        return
    for path, value in changes:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):  # an earlier change has removed it
            body = changed(body, path, value)
    judge(sample, sample.call(row, body=body))


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
@given(body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_translated_or_refused(sample: Sample, body: bytes) -> None:
    judge(sample, sample.call(next(iter(sample.calls)), body=body))
