"""A customer for people: who, what they did, how likely they leave, and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from types import MappingProxyType
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from stream.alerts.action_records import Action
from stream.alerts.sentences import risk_sentence
from stream.catalogue.declaring import Feature
from stream.catalogue.windows import WINDOWS
from stream.catalogue.wording import number_of
from stream.cli.feedback_view import Voice, voice_rows
from stream.cli.leads_view import chance_of
from stream.cli.points_view import points_view
from stream.cli.recommendations_view import recommendation_tables
from stream.events.rejections import printable
from stream.events.times import epoch_ms
from stream.features.registry import FEATURES
from stream.notifications.actions import latest_actions
from stream.points.statement import PointsStatement
from stream.recommending.recommended import RecommendationLists
from stream.reporting.first_orders import LeadEntry
from stream.reporting.refreshed import Refreshed
from stream.reporting.writing import Writing
from stream.storage.notification_store import StoredCustomer

__all__ = ["customer_view", "with_points"]

_UNKNOWN: Final = "not known yet"
_LED_TO_STAGE: Final = MappingProxyType(
    {
        "event": "seen for the first time, and no order yet",
        "order": "by an order",
        "silence": "no order came",
        "correction": "orders were corrected",
    }
)


def customer_view(
    now: Refreshed,
    profile: dict[str, Any],
    known: StoredCustomer,
    voice: Voice,
    lead: LeadEntry | None,
    offers: RecommendationLists | None,
    refusals: Sequence[str],
    writing: Writing,
) -> RenderableType:
    """Lay a customer out, with the unpacked ``profile`` (`stream.cli.profile_view`), what people did, what was said."""
    as_of = _moment(now.fields["as_of"], writing)
    return Group(
        Text.assemble((f"customer {now.fields['customer_id']}", "bold"), f"   as of {as_of}"),
        _pairs(chain(_facts(now, profile, writing), _chance(lead, writing), _consent(refusals))),
        *_actions(known, writing),
        *_why(now.reasons),
        *_said(voice, writing),
        *_offers(offers),
        _section("features"),
        _windows(now.features),
        _pairs(_others(now.features)),
        *(
            ()
            if now.is_withheld
            else (_section("what happens when nothing happens"), _pairs(_timers(profile, writing)))
        ),
    )


def with_points(view: RenderableType, points: PointsStatement | None, writing: Writing) -> RenderableType:
    """The view, and the points of the customer where they are known."""
    return view if points is None else Group(view, _section("points"), points_view(points, writing))


def _said(voice: Voice, writing: Writing) -> list[RenderableType]:
    rows = [*voice_rows(voice, writing)]
    return [_section("what they say"), _pairs(iter(rows))] if rows else []


def _offers(offers: RecommendationLists | None) -> list[RenderableType]:
    tables = [] if offers is None else [*recommendation_tables(offers)]
    return [_section("what to offer"), *tables] if tables else []


def _section(title: str) -> RenderableType:
    return Group("", Rule(Text(title, "bold cyan"), align="left", style="bright_black"))


def _pairs(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def _facts(now: Refreshed, profile: dict[str, Any], writing: Writing) -> Iterator[tuple[str, str]]:
    document = now.fields
    moment, day = partial(_moment, writing=writing), partial(_day, writing=writing)
    risk, at_stake = document.get("risk"), document.get("value_at_risk", 0.0)
    yield "since", f"{moment(document['first_at'])}; last event {moment(document['last_at'])}"
    last_order = moment(document["last_order_at"]) if "last_order_at" in document else "none"
    yield "orders", f"{writing.number(document['orders'])}; last {last_order}; {writing.money(document['spend'])} net"
    yield "standing", now.standing
    if "stage" in document:
        yield "stage", _stage(document, writing)
    if "rfm" in document:
        rfm = document["rfm"]
        scores = f"how lately {rfm['recency']}, how often {rfm['frequency']}, how much {rfm['money']}"
        yield "tier", f"{rfm['tier']}: {rfm['value']:.2f} of 5 ({scores})"
    if "next_order" in document:
        order = document["next_order"]
        begin, until = day(order["from"]), day(order["until"])
        yield "next order", f"about {day(order['at'])}; four of five come between {begin} and {until}"
    yield "events", writing.number(document["events"])
    yield "segment", document.get("segment", "none yet")
    if risk is None:
        none = "the customer does not agree to scores" if now.is_withheld else "nothing is known without an order yet"
        yield "risk", f"none: {none}"
    else:
        by = "" if document.get("risk_from") == "orders" else f" by model version {document['model_version']:,}"
        yield "risk", f"{writing.percent(risk)}{by}; {writing.about(at_stake)} at risk"
        if "risk_from" in document:  # not in documents of an earlier version
            yield "", risk_sentence(document["risk_from"], document["risk_sure"])
    if now.is_withheld:
        return
    if "expected_spend" not in document:
        yield "value", "not known yet: the value model has to learn first"
    else:
        orders, spend = writing.number(document["expected_orders"], 1), writing.about(document["expected_spend"])
        lifetime = writing.about(document["lifetime_value"])
        yield "value", f"{orders} orders and {spend} expected in the next horizon; lifetime {lifetime}"
    raised = moment(profile["raised_at"]) if profile["raised_at"] else ""
    if document["alert"]:
        yield "alert", f"raised {raised}"
    else:
        yield "alert", f"none; the last was raised {raised}" if raised else "none"
    if "unsubscribed_at" in document:
        yield "e-mail", f"unsubscribed {moment(document['unsubscribed_at'])}"


def _consent(refusals: Sequence[str]) -> Iterator[tuple[str, str]]:
    if refusals:
        yield "consent", f"{'; '.join(refusals)} (`stream consent show`)"


def _chance(lead: LeadEntry | None, writing: Writing) -> Iterator[tuple[str, str]]:
    """Of who has not ordered."""
    if lead is not None:
        weeks = number_of(lead.weeks, "week", "weeks")
        yield "first order", f"{chance_of(lead, writing)} in {weeks}. {' '.join(lead.reasons)}"


def _stage(document: dict[str, Any], writing: Writing) -> str:
    """The stage, since when, and what led to it; silence that went on after the document was stored has no date yet."""
    stage = document["stage"].replace("_", " ")
    since = f" since {_day(document['stage_since'], writing)}" if "stage_since" in document else ""
    return f"{stage}{since}: {_LED_TO_STAGE[document['stage_why']]}"


def _actions(known: StoredCustomer, writing: Writing) -> Iterator[RenderableType]:
    actions = latest_actions(known.actions)
    if not actions and not known.held_out:
        return
    yield _section("what people did")
    yield _pairs(_told(actions, writing, is_held_out=known.held_out))


def _told(actions: Sequence[Action], writing: Writing, *, is_held_out: bool) -> Iterator[tuple[str, str]]:
    for action in actions:
        by = f" by {printable(action.actor)}" if action.actor else ""
        note = f": {printable(action.note)}" if action.note else ""
        yield action.action.replace("_", " "), f"{writing.moment(epoch_ms(action.occurred_at))}{by}{note}"
    if is_held_out:
        yield "held out", "alerts are not sent, so that the effect of sending them can be measured"


def _why(reasons: Sequence[tuple[float, str]]) -> Iterator[RenderableType]:
    if not reasons:
        return
    yield _section("what moves the risk most, compared with a typical customer")
    table = Table.grid(padding=(0, 3, 0, 0))
    for contribution, text in reasons:
        raises = contribution > 0
        table.add_row(Text(f"{contribution:+.2f}", "red" if raises else "green"), text)
    yield table


def _base(feature: Feature) -> str:
    """The name of what is summed over windows, without the window; empty for any other feature."""
    return feature.name.removesuffix(f"_{feature.window.label}") if feature.source and feature.window else ""


def _shown(feature: Feature, value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    if feature.unit == "events":
        return f"{value:,.0f}"
    return f"{value:,.2f} days" if feature.unit == "days" else f"{value:,.2f}"


def _windows(values: dict[str, float | None]) -> Table:
    """One row for what is counted over windows, one column for each window."""
    labels = [window.label for window in WINDOWS]
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    for _ in labels:
        table.add_column(justify="right", no_wrap=True)
    table.add_row("", *(Text(label, "bright_black") for label in labels))
    for name, features in groupby((feature for feature in FEATURES if _base(feature)), key=_base):
        by_window = {feature.name.rpartition("_")[2]: feature for feature in features}
        cells = [
            _shown(by_window[label], values[by_window[label].name]) if label in by_window else "" for label in labels
        ]
        table.add_row(Text(name, "bright_black"), *cells)
    return table


def _others(values: dict[str, float | None]) -> Iterator[tuple[str, str]]:
    for feature in FEATURES:
        if not _base(feature):
            yield feature.name, _shown(feature, values[feature.name])


def _day(instant: str, writing: Writing) -> str:
    """The date of an RFC 3339 instant."""
    return writing.long_date(epoch_ms(datetime.fromisoformat(instant)))


def _moment(instant: str, writing: Writing) -> str:
    """The date and time of an RFC 3339 instant."""
    return writing.moment(epoch_ms(datetime.fromisoformat(instant)))


def _timers(profile: dict[str, Any], writing: Writing) -> Iterator[tuple[str, str]]:
    timers, pending = profile["timers"], profile["pending_landmarks"]

    def at(name: str, never: str) -> str:
        return _moment(timers[name], writing) if timers[name] else never

    yield "alert for silence", at("next_crossing_at", "not before the next landmark")
    if timers["at_risk_from"]:
        yield "at risk", f"from {_day(timers['at_risk_from'], writing)} unless they buy"
    yield "next landmark", at("next_landmark_at", "none: silent for too long")
    wait = number_of(len(pending), "landmark waits for its label", "landmarks wait for theirs")
    yield "next label", f"{at('next_label_at', 'none')} ({wait})"
    yield "state", f"{profile['bytes']:,} bytes, {profile['event_ids_remembered']:,} event ids remembered"
