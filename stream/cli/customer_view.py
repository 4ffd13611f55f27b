"""A customer for people: who, what they did, how likely they leave, and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from stream.alerts.action_records import Action
from stream.catalogue.declaring import Feature
from stream.catalogue.windows import WINDOWS
from stream.cli.feedback_view import Voice, voice_rows
from stream.events.rejections import printable
from stream.events.times import epoch_ms, rfc3339
from stream.features.registry import FEATURES
from stream.notifications.actions import latest_actions
from stream.reporting.refreshed import Refreshed
from stream.storage.notification_store import StoredCustomer

__all__ = ["customer_view"]

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
) -> RenderableType:
    """Lay a customer out, with the unpacked ``profile`` (`stream.cli.profile_view`), what people did, what was said."""
    return Group(
        Text.assemble((f"customer {now.fields['customer_id']}", "bold"), f"   as of {now.fields['as_of']}"),
        _pairs(_facts(now, profile)),
        *_actions(known),
        *_why(now.reasons),
        *_said(voice),
        _section("features"),
        _windows(now.features),
        _pairs(_others(now.features)),
        _section("what happens when nothing happens"),
        _pairs(_timers(profile)),
    )


def _said(voice: Voice) -> list[RenderableType]:
    rows = [*voice_rows(voice)]
    return [_section("what they say"), _pairs(iter(rows))] if rows else []


def _section(title: str) -> RenderableType:
    return Group("", Rule(Text(title, "bold cyan"), align="left", style="bright_black"))


def _pairs(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def _facts(now: Refreshed, profile: dict[str, Any]) -> Iterator[tuple[str, str]]:
    document = now.fields
    risk, at_stake = document.get("risk"), document.get("value_at_risk", 0.0)
    yield "since", f"{document['first_at']}, last event {document['last_at']}"
    last_order = document.get("last_order_at", "none")
    yield "orders", f"{document['orders']:,}, last {last_order}, {document['spend']:,.2f} net spend"
    yield "standing", now.standing
    if "stage" in document:
        yield "stage", _stage(document)
    if "rfm" in document:
        rfm = document["rfm"]
        scores = f"how lately {rfm['recency']}, how often {rfm['frequency']}, how much {rfm['money']}"
        yield "tier", f"{rfm['tier']}: {rfm['value']:.2f} of 5 ({scores})"
    if "next_order" in document:
        order = document["next_order"]
        begin, until = _day(order["from"]), _day(order["until"])
        yield "next order", f"about {_day(order['at'])}; four of five come between {begin} and {until}"
    yield "events", f"{document['events']:,}"
    yield "segment", document.get("segment", "none yet")
    if risk is None:
        yield "risk", "not scored yet: the model has to learn first"
    else:
        yield "risk", f"{risk:.0%} by model version {document['model_version']:,}; {at_stake:,.2f} at risk"
    if "expected_spend" not in document:
        yield "value", "not known yet: the value model has to learn first"
    else:
        expected = f"{document['expected_orders']:,.2f} orders and {document['expected_spend']:,.2f}"
        yield "value", f"{expected} expected in the next horizon; lifetime {document['lifetime_value']:,.2f}"
    if document["alert"]:
        yield "alert", f"raised {profile['raised_at']}"
    else:
        before = f"; the last was raised {profile['raised_at']}" if profile["raised_at"] else ""
        yield "alert", f"none{before}"
    if "unsubscribed_at" in document:
        yield "e-mail", f"unsubscribed {document['unsubscribed_at']}"


def _stage(document: dict[str, Any]) -> str:
    """The stage, since when, and what led to it; silence that went on after the document was stored has no date yet."""
    stage = document["stage"].replace("_", " ")
    since = f" since {_day(document['stage_since'])}" if "stage_since" in document else ""
    return f"{stage}{since}: {_LED_TO_STAGE[document['stage_why']]}"


def _actions(known: StoredCustomer) -> Iterator[RenderableType]:
    actions = latest_actions(known.actions)
    if not actions and not known.held_out:
        return
    yield _section("what people did")
    yield _pairs(_told(actions, is_held_out=known.held_out))


def _told(actions: Sequence[Action], *, is_held_out: bool) -> Iterator[tuple[str, str]]:
    for action in actions:
        by = f" by {printable(action.actor)}" if action.actor else ""
        note = f": {printable(action.note)}" if action.note else ""
        yield action.action.replace("_", " "), f"{rfc3339(epoch_ms(action.occurred_at))}{by}{note}"
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


def _day(instant: str) -> str:
    """The date of an RFC 3339 instant as people write it, in UTC.

    >>> _day("2026-12-03T10:00:00Z")
    '3 December 2026'
    """
    day = datetime.fromisoformat(instant)
    return f"{day.day} {day:%B} {day.year}"


def _timers(profile: dict[str, Any]) -> Iterator[tuple[str, str]]:
    timers, pending = profile["timers"], profile["pending_landmarks"]
    yield "alert for silence", timers["next_crossing_at"] or "not before the next landmark"
    if timers["at_risk_from"]:
        yield "at risk", f"from {_day(timers['at_risk_from'])} unless they buy"
    yield "next landmark", timers["next_landmark_at"] or "none: silent for too long"
    yield "next label", f"{timers['next_label_at'] or 'none'} ({len(pending)} landmarks wait for theirs)"
    yield "state", f"{profile['bytes']:,} bytes, {profile['event_ids_remembered']:,} event ids remembered"
